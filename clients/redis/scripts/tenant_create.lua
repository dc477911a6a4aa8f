-- TENANT_CREATE: stores a tenant on the partition that has the fewest.
-- KEYS  epoch, tenants, partitions; ARGV  epoch, name, record (its partition is set here)
-- Returns the record as stored, or nothing when the name is taken. A repeat finds its own record:
-- the time of its creation is in it.
local tenant = cjson.decode(ARGV[3])
local taken = redis.call('HGET', KEYS[2], ARGV[2])
if taken then
  local stored = cjson.decode(taken)
  for field, value in pairs(tenant) do
    if field ~= 'partition' and stored[field] ~= value then return false end
  end
  return taken
end
local load = {}
for p = 0, tonumber(redis.call('GET', KEYS[3])) - 1 do load[p] = 0 end
for _, record in ipairs(redis.call('HVALS', KEYS[2])) do
  local p = cjson.decode(record).partition
  load[p] = (load[p] or 0) + 1
end
local best = 0
for p = 1, #load do
  if load[p] < load[best] then best = p end
end
tenant.partition = best
local record = cjson.encode(tenant)
redis.call('HSET', KEYS[2], ARGV[2], record)
return record
