-- Shared by the scripts of the patrol: one slow walk over all resources of a tenant, users first,
-- that any number of workers share. KEYS[14] is its hash: kind and at (the cursor), due, run (the
-- step under way), hurry and gen (a pass at a higher rate, and what asked for it).
local FASTEST_MS = 1000    -- between two steps

-- How long after a step the next one is due, so that a pass takes the period.
local function pause_of(hurry, period_ms)
  if hurry then return FASTEST_MS end
  local all = redis.call('ZCARD', T.root .. 'ids:u') + redis.call('ZCARD', T.root .. 'ids:g')
  return math.max(FASTEST_MS, math.floor(period_ms / math.max(1, all)))
end
