-- PATROL_TAKE: the next resources to compare with the backend, if it is time.
-- KEYS  partition and tenant keys; [14] the patrol
-- ARGV  epoch, tenant, token of the step, ms until another may take it, period ms (0: only in a
--       hurry), resources of a step in a hurry
-- Returns {WAIT, ms} | {TAKEN, kind and cursor that follow, '1' when the pass ends,
--         {rk, v, claim count, backend id, managed mask, document}...}
-- Whatever is not synced is left out: its own change sends it. Nothing while the tenant or the
-- fleet is paused, on hold or has work that is due: a comparison must never stand in its way.
-- The cursor moves when the step is done, so a worker that dies repeats it.
-- Begins with HDEL, so that a full Redis accepts it.
local BUSY_MS, OFF_MS = 5000, 60000
local p = redis.call('HMGET', KEYS[14], 'kind', 'at', 'due', 'hurry')
local period = tonumber(ARGV[5])
if period == 0 and not p[4] then return {'WAIT', OFF_MS} end
local due = tonumber(p[3] or now + pause_of(p[4], period))
if not p[3] then
  redis.call('HDEL', KEYS[14], 'due')
  redis.call('HSET', KEYS[14], 'due', due)
end
if due > now then return {'WAIT', due - now} end
local c, first = control(T), tonumber(head_of(T)[2])
local halted = c.paused or redis.call('HEXISTS', root .. 'paused', '*') == 1
if halted or c.hold > now or redis.call('HEXISTS', T.ctl, 'bs') == 1
   or (first and first <= now) then
  return {'WAIT', BUSY_MS}
end

local kind, limit = p[1] or 'u', p[4] and tonumber(ARGV[6]) or 1
local row = redis.call('ZRANGEBYSCORE', T.root .. 'ids:' .. kind, '(' .. (p[2] or '0'), '+inf',
                       'WITHSCORES', 'LIMIT', 0, limit)
local following, at, ends = kind, row[#row], ''
if #row < 2 * limit then
  following, at, ends = kind == 'u' and 'g' or 'u', '0', kind == 'g' and '1' or ''
end
local reply = {'TAKEN', following, at, ends}
for i = 1, #row, 2 do
  local s = redis.call('HMGET', T.root .. 's:' .. row[i], 'st', 'v', 'f', 'bid', 'mf')
  local doc = redis.call('GET', T.root .. 'd:' .. row[i])
  if s[1] == 'S' and s[4] and doc then
    reply[#reply + 1] = {row[i], s[2], s[3], s[4], s[5] or 0, doc}
  end
end
redis.call('HDEL', KEYS[14], 'run')
redis.call('HSET', KEYS[14], 'run', ARGV[3], 'due', now + tonumber(ARGV[4]))
return reply
