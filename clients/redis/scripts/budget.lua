-- BUDGET: takes calls from, or gives them back to, the fleet's bucket for one backend.
-- KEYS  bucket; ARGV  calls wanted (below 0: given back), calls a second, calls at once
-- Returns {calls granted (below 0: taken back), ms until one more may be granted}
-- A bucket that is not there is full. It is no data: no installation id is compared, and it goes
-- away by itself when nobody has asked for a while.
-- Begins with DEL, so that a full Redis can be drained.
local KEPT_MS = 60000

local wanted, per_s, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(held[1] or burst), tonumber(held[2] or now)

-- A clock that was set back must not stop the refill until it has caught up.
local passed = math.max(0, now - at)
left = math.min(burst, left + passed * per_s / 1000)

local granted = wanted
if wanted > 0 then granted = math.min(wanted, math.floor(left + 0.000001)) end
left = math.max(0, left - granted)

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'left', left, 'at', now)
redis.call('PEXPIRE', KEYS[1], KEPT_MS)
return {granted, math.ceil(math.max(0, 1 - left) * 1000 / per_s)}
