-- GROUPS_OF: the groups a member is directly in.
-- KEYS  ep, groups of the member; ARGV  epoch, tenant root
-- Returns {rk, version, document} of each
local found = {}
for _, rk in ipairs(redis.call('HKEYS', KEYS[2])) do
  local doc = redis.call('GET', ARGV[2] .. 'd:' .. rk)
  if doc then
    found[#found + 1] = {rk, redis.call('HGET', ARGV[2] .. 's:' .. rk, 'v'), doc}
  end
end
return found
