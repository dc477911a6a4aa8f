-- SCAN: a bounded part of a walk over one kind in creation order.
-- KEYS  ep, ids; ARGV  epoch, tenant root, after (sequence number), limit
-- Returns {sequence number to go on after, or nothing at the end, {{rk, version, document}...}}
local limit = tonumber(ARGV[4])
local row = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[3], '+inf', 'WITHSCORES',
                       'LIMIT', 0, limit)
local found = {}
for i = 1, #row, 2 do
  found[#found + 1] = {row[i], redis.call('HGET', ARGV[2] .. 's:' .. row[i], 'v'),
                       redis.call('GET', ARGV[2] .. 'd:' .. row[i])}
end
return {#found == limit and row[#row], found}
