-- PAGE: resources of one kind in creation order.
-- KEYS  ep, ids; ARGV  epoch, tenant root, offset, limit
-- Returns {total, {{rk, version, document}...}}
local limit = tonumber(ARGV[4])
local found = {}
if limit > 0 then
  local rks = redis.call('ZRANGE', KEYS[2], ARGV[3], tonumber(ARGV[3]) + limit - 1)
  for i, rk in ipairs(rks) do
    found[i] = {rk, redis.call('HGET', ARGV[2] .. 's:' .. rk, 'v'),
                redis.call('GET', ARGV[2] .. 'd:' .. rk)}
  end
end
return {redis.call('ZCARD', KEYS[2]), found}
