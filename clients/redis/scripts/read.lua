-- READ: resources by key.
-- KEYS  ep, then document and state of each; ARGV  epoch, then the resource keys
-- Returns one entry each: {rk, version, document}, or nothing
local found = {}
for i = 2, #ARGV do
  local doc = redis.call('GET', KEYS[2 * i - 2])
  found[i - 1] = doc and {ARGV[i], redis.call('HGET', KEYS[2 * i - 1], 'v'), doc}
end
return found
