-- RECORD_PUT: replaces a record that was not changed meanwhile.
-- KEYS  epoch, table; ARGV  epoch, field, record expected ('' for none), new record
-- Returns 1, or 0 when the record is another one. A repeat finds its own record and returns 1.
local found = redis.call('HGET', KEYS[2], ARGV[2]) or ''
if found == ARGV[4] then return 1 end
if found ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
return 1
