-- RECORD_GET: one record of a table, or all of them.
-- KEYS  epoch, table; ARGV  epoch, field (left out: all)
-- Returns the record or nothing; or every record
if ARGV[2] then return redis.call('HGET', KEYS[2], ARGV[2]) end
return redis.call('HVALS', KEYS[2])
