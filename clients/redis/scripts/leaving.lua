-- Shared by WRITE and SWEEP: a deleted user leaves its groups. The backend removes its memberships
-- with the user's own record, so nothing is queued.
local function leave_all(of, member, groups)
  for _, g in ipairs(groups) do
    redis.call('HDEL', groups_key(of, member), g.rk)
    redis.call('SREM', g.gm, member)
    redis.call('ZREM', g.gd, member)
    redis.call('SREM', g.gb, member)
    local version = redis.call('HINCRBY', g.s, 'v', 1)
    if g.st == 'S' then redis.call('HSET', g.s, 'av', version) end
  end
end
