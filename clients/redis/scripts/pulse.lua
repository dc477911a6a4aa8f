-- PULSE: notes that this Redis was written to now, and tells when its predecessor was.
-- KEYS  epoch, the pulse; ARGV  epoch, replication id of the server
-- Returns {last pulse under the replication id before this one ('' when there was none),
--          when this id was first seen, now}
-- The pulse travels with the data: after a failover it says up to when the data is whole.
-- Begins with HDEL, so that a full Redis accepts it.
local p = redis.call('HMGET', KEYS[2], 'replid', 'at', 'before', 'since')
redis.call('HDEL', KEYS[2], 'at')
if p[1] ~= ARGV[2] then
  p[3], p[4] = p[2] or '', now
  redis.call('HSET', KEYS[2], 'replid', ARGV[2], 'before', p[3], 'since', now)
end
redis.call('HSET', KEYS[2], 'at', now)
return {p[3], p[4], now}
