-- PATROL_MARK: a resource was found different at the backend: send it again, as RESYNC does.
-- KEYS  partition, tenant and resource keys
-- ARGV  epoch, tenant, rk, version and claim count that were compared, '1' for all members of a
--       group, then single members
-- Returns 1, or 0 when somebody has worked on it since: then the comparison says nothing
local s = redis.call('HMGET', R.s, 'v', 'f', 'st', 'sec', 'mv')
if s[3] ~= 'S' or s[1] ~= ARGV[4] or s[2] ~= ARGV[5] then return 0 end
local members = look_at_members_again(7)
send_again(R.rk, s)
if ARGV[6] == '1' then redis.call('HSET', R.s, 'gf', '0') end
queue_members_again(members, tonumber(s[5] or 0) + 1)
wake(reindex(T))
return 1
