-- RESYNC: asks to send the newest state again, and memberships that a late request may have undone.
-- KEYS  partition, tenant and resource keys; ARGV  epoch, tenant, rk, then members of the group
-- Returns 1, or 0 when there is no such resource
local s = redis.call('HMGET', R.s, 'v', 'f', 'st', 'sec', 'mv', 'del')
if not s[1] then return 0 end
local G, stamp, members = group_keys(T, R.rk), tonumber(s[5] or 0) + 1, {}
for i = 4, s[6] and 3 or #ARGV do
  members[i - 3] = {id = ARGV[i], joins = redis.call('SISMEMBER', G.gm, ARGV[i]) == 1,
                    parked = redis.call('SISMEMBER', G.gb, ARGV[i]) == 1}
end
send_again(R.rk, s)
for _, x in ipairs(members) do
  if not x.parked then
    redis.call('ZADD', G.gd, x.joins and stamp or stamp - LEAVES, x.id)
    redis.call('HSET', R.s, 'mv', stamp)
  end
end
wake(reindex(T))
return 1
