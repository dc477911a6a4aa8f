-- Shared by the queue's scripts. KEYS[1..7] are the partition's keys, see keys.py. `now` is set.
local DAY_MS = 86400000
local BLOCK_MS = 900000    -- how long a blocked resource waits at most before it is tried anyway
local SETTLE_MS = 30000    -- how long a create of unknown outcome may still take effect
local CAPMAX = 16          -- leases of one tenant at a time, unless its ctl says otherwise

local root = string.sub(KEYS[1], 1, -3)
local P = {c = KEYS[2], r = KEYS[3], l = KEYS[4], leases = KEYS[5], awake = KEYS[6],
           dirty = KEYS[7], sus = root .. 'sus'}

-- The same names as keys.py, for scripts that learn the tenant while they run.
local function tenant_keys(name)
  local at = root .. name .. ':'
  return {name = name, root = at, q = at .. 'q', fd = at .. 'fd', dead = at .. 'dead',
          held = at .. 'held', ctl = at .. 'ctl', rel = at .. 'rel'}
end

local function count(field, n)
  if n ~= 0 then redis.call('HINCRBY', P.c, field, n) end
end

-- Adds n to a per-tenant number of the partition; zero is not kept.
local function tally(key, name, n)
  if redis.call('HINCRBY', key, name, n) == 0 then redis.call('HDEL', key, name) end
end

local function leases_of(T)
  return tonumber(redis.call('HGET', P.leases, T.name) or 0)
end

-- The tenant's switches, decoded. Half-open (a breaker that is not closed) allows one lease.
local function control(T)
  local c = redis.call('HMGET', T.ctl, 'cap', 'capmax', 'hold', 'sv', 'bs', 'paused')
  local cap = tonumber(c[1] or c[2] or CAPMAX)
  if c[5] then cap = 1 end
  return {cap = cap, hold = tonumber(c[3] or 0), served = tonumber(c[4] or 0), paused = c[6]}
end

-- The first of the tenant's queue and when it is due; nothing when the queue is empty.
local function head_of(T)
  return redis.call('ZRANGE', T.q, '0', '0', 'WITHSCORES')
end

-- Puts the tenant where it belongs in the ready index, of which this is the only writer.
-- `head` spares a look at the queue. Returns the milliseconds until it may be served, -1 when it
-- has nothing to serve.
local function reindex(T, head)
  local first = (head or head_of(T))[2]
  local c = control(T)
  if not first or c.paused or leases_of(T) >= c.cap then
    redis.call('ZREM', P.r, T.name)
    return -1
  end
  local at = math.max(tonumber(first), c.hold, c.served)
  redis.call('ZADD', P.r, at, T.name)
  return math.max(0, math.floor(at - now))
end

-- Tells sleeping workers, once: the flag stays until a claim finds nothing.
local function wake(ready_ms)
  if ready_ms == 0 and redis.call('EXISTS', P.awake) == 0 then
    redis.call('SET', P.awake, '1')
    redis.call('PUBLISH', 'sg:wake', string.match(root, '{p(%d+)}'))
  end
end

-- When a resource that may go at once is due: security changes overtake the others.
local function due_now(security)
  if security then return now - DAY_MS end
  return now
end

-- What is left of rks joined by spaces without this one; false when nothing is.
local function without(list, rk)
  local rest = {}
  for other in string.gmatch(list, '%S+') do
    if other ~= rk then rest[#rest + 1] = other end
  end
  return #rest > 0 and table.concat(rest, ' ')
end
