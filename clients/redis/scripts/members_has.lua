-- MEMBERS_HAS: whether ids are members of a group.
-- KEYS  ep, document of the group, gm; ARGV  epoch, ids
-- Returns 1 or 0 of each
if redis.call('EXISTS', KEYS[2]) == 0 then return {} end
return redis.call('SMISMEMBER', KEYS[3], unpack(ARGV, 2))
