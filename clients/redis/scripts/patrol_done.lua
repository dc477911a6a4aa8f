-- PATROL_DONE: ends a step of the patrol.
-- KEYS  partition and tenant keys; [14] the patrol
-- ARGV  epoch, tenant, token of the step, kind and cursor that follow (kind '': the step is to be
--       repeated), '1' when the pass ends, period ms, ms to wait at least
-- Returns ms until the next step, -1 when another has taken the step over
-- Begins with HDEL, so that a full Redis accepts it.
local p = redis.call('HMGET', KEYS[14], 'run', 'hurry')
if p[1] ~= ARGV[3] then return -1 end
local ended = ARGV[6] == '1'
local pause = math.max(tonumber(ARGV[8]), pause_of(p[2] and not ended, tonumber(ARGV[7])))
redis.call('HDEL', KEYS[14], 'run')
if ended then redis.call('HDEL', KEYS[14], 'hurry') end
redis.call('HSET', KEYS[14], 'due', now + pause)
if ARGV[4] ~= '' then redis.call('HSET', KEYS[14], 'kind', ARGV[4], 'at', ARGV[5]) end
return pause
