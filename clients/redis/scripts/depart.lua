-- Shared by WRITE: memberships of what is deleted. A user leaves its first groups at once; the
-- further ones, and a group's members, are left to SWEEP.
local function look_at_leaving()
  local id = string.sub(R.rk, 3)
  if is_group(R.rk) then
    local g = group_keys(T, R.rk)
    return {task = redis.call('EXISTS', g.gm, g.gd, g.gb) > 0 and task_of(T, 'clear', R.rk)}
  end
  local groups = groups_key(T, id)
  local many = redis.call('HLEN', groups) > CHUNK
  return {member = id, task = many and task_of(T, 'leave', id),
          groups = look_at_groups(T, redis.call('HRANDFIELD', groups, CHUNK))}
end

local function take_leave(leaving)
  if leaving.member then leave_all(T, leaving.member, leaving.groups) end
  if leaving.task then redis.call('HSET', root .. 'sweep', leaving.task, '0') end
end
