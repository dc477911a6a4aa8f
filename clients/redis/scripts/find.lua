-- FIND: resources by one value of one index.
-- KEYS  ep, index; ARGV  epoch, tenant root, folded value
-- Returns {rk, version, document} of each match
local found = {}
for rk in string.gmatch(redis.call('HGET', KEYS[2], ARGV[3]) or '', '%S+') do
  local doc = redis.call('GET', ARGV[2] .. 'd:' .. rk)
  if doc then
    found[#found + 1] = {rk, redis.call('HGET', ARGV[2] .. 's:' .. rk, 'v'), doc}
  end
end
return found
