-- RESYNC: asks to send the newest state again, and memberships that a late request may have undone.
-- KEYS  partition, tenant and resource keys; ARGV  epoch, tenant, rk, then members of the group
-- Returns 1, or 0 when there is no such resource
local s = redis.call('HMGET', R.s, 'v', 'f', 'st', 'sec', 'mv', 'del')
if not s[1] then return 0 end
local members = s[6] and {} or look_at_members_again(4)
send_again(R.rk, s)
queue_members_again(members, tonumber(s[5] or 0) + 1)
wake(reindex(T))
return 1
