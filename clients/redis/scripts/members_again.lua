-- Shared by RESYNC and PATROL_MARK: memberships to send once more, as they are wanted now.
local function look_at_members_again(from)
  local g, found = group_keys(T, R.rk), {}
  for i = from, #ARGV do
    found[#found + 1] = {id = ARGV[i], joins = redis.call('SISMEMBER', g.gm, ARGV[i]) == 1,
                         parked = redis.call('SISMEMBER', g.gb, ARGV[i]) == 1}
  end
  return found
end

local function queue_members_again(members, stamp)
  local g = group_keys(T, R.rk)
  for _, x in ipairs(members) do
    if not x.parked then
      redis.call('ZADD', g.gd, x.joins and stamp or stamp - LEAVES, x.id)
      redis.call('HSET', R.s, 'mv', stamp)
    end
  end
end
