-- Shared by SETTLE and SWEEP: a user who has a new record at the backend is in none of its groups
-- there: all of them are queued, parked or not.

-- Some groups of the user from `cursor` on; the second value goes on, '0' at the end.
local function look_at_joins(of, member, cursor)
  local row = redis.call('HSCAN', groups_key(of, member), cursor, 'COUNT', CHUNK)
  return look_at_groups(of, fields(row[2])), row[1]
end

-- Arrivals wait a little for others, so that a big group is not visited for each of them.
local function join_all(of, member, groups)
  for _, g in ipairs(groups) do
    redis.call('SREM', g.gb, member)
    redis.call('ZADD', g.gd, g.stamp, member)
    redis.call('HSET', g.s, 'mv', g.stamp)
    if g.st == 'S' then
      redis.call('HSET', g.s, 'st', 'P')
      redis.call('ZADD', of.fd, now, g.rk)
      redis.call('ZADD', of.q, now + DEBOUNCE_MS, g.rk)
      tally(P.dirty, of.name, 1)
    elseif g.st == 'L' then
      redis.call('HSETNX', g.s, 'fd2', now)
    end
  end
end
