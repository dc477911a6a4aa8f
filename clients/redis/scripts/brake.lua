-- Shared by WRITE and SWITCHES: the mass-change guard. It counts people who leave (deactivated or
-- deleted); who leaves while `gl` of them did within `gw` ms is held: accepted, and kept from the
-- backend until an operator releases it. ctl has gl (0: no guard) and gw when they are not the
-- defaults below, gs begin of the window, gn how many left in it, gp in the one before.
local GUARD_LIMIT, GUARD_WINDOW_MS = 500, 3600000

local function guard_settings()
  local c = redis.call('HMGET', T.ctl, 'gl', 'gw')
  return tonumber(c[1] or GUARD_LIMIT), tonumber(c[2] or GUARD_WINDOW_MS)
end

-- The window slides: of the one before counts what still lies within it. The held count as well,
-- so that a flood keeps the guard shut while it lasts, but never for longer than a window after.
local function look_at_guard()
  local limit, window = guard_settings()
  local c = redis.call('HMGET', T.ctl, 'gs', 'gn', 'gp')
  local began, left, before = tonumber(c[1] or now), tonumber(c[2] or 0), tonumber(c[3] or 0)
  if now >= began + 2 * window then began, left, before = now, 0, 0
  elseif now >= began + window then began, left, before = began + window, 0, left end
  local past = math.max(0, now - began) / window
  return {shut = limit > 0 and before * (1 - past) + left >= limit, began = began,
          left = math.min(left + 1, limit), before = before}
end

local function count_leaver(guard)
  redis.call('HSET', T.ctl, 'gs', guard.began, 'gn', guard.left, 'gp', guard.before)
end
