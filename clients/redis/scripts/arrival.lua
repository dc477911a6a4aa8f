-- Shared by SETTLE: a user who has a new record at the backend joins its groups there.
-- What a user's settlement means for its memberships: nothing while its record is the same, unless
-- a membership `asked` for it.
local function look_at_arrival(before, after, asked)
  if not after or (after == before and not asked) then return nil end
  local x = {id = string.sub(R.rk, 3)}
  x.groups, x.following = look_at_joins(T, x.id, '0')
  return x
end

local function take_arrival(x)
  join_all(T, x.id, x.groups)
  redis.call('HDEL', R.s, 'mw')
  if x.following ~= '0' then
    redis.call('HSET', root .. 'sweep', task_of(T, 'join', x.id), x.following)
  end
end
