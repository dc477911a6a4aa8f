-- PATROL_HURRY: asks for one whole pass over a tenant at a higher rate, from the start.
-- KEYS  partition and tenant keys; [14] the patrol
-- ARGV  epoch, tenant, what asks for it, ms within which the tenant must have been served ('' any)
-- Returns 1, or 0 when the same one asked before or the tenant was not served lately
-- Begins with HDEL, so that a full Redis accepts it.
if redis.call('HGET', KEYS[14], 'gen') == ARGV[3] then return 0 end
if ARGV[4] ~= '' and control(T).served < now - tonumber(ARGV[4]) then return 0 end
redis.call('HDEL', KEYS[14], 'run', 'kind', 'at')
redis.call('HSET', KEYS[14], 'hurry', '1', 'gen', ARGV[3], 'due', now)
return 1
