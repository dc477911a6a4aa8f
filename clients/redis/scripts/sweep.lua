-- SWEEP: one step of what was too much for the script that caused it.
-- KEYS  partition keys, [8] the tasks: `tenant/kind/id` -> cursor; ARGV  epoch
-- Returns how many tasks are left. Kinds:
--   clear  a group was deleted: its members forget it
--   leave  a user in many groups was deleted: they forget it
--   join   a user in many groups has a new record at the backend: it joins them there
-- Each step begins with SREM, HDEL or UNLINK, so that a full Redis can be drained.
local task = redis.call('HRANDFIELD', KEYS[8], 1, 'WITHVALUES')
if not task[1] then return 0 end
local name, kind, id = string.match(task[1], '^([^/]+)/(%a+)/(.+)$')
local of, cursor = tenant_keys(name), task[2]

local function live_user()
  local s = redis.call('HMGET', of.root .. 's:u:' .. id, 'v', 'del', 'bid')
  return s[1] and not s[2], s[3]
end

local steps = {}

function steps.clear()
  local g = group_keys(of, id)
  local members = redis.call('SRANDMEMBER', g.gm, CHUNK)
  for _, member in ipairs(members) do redis.call('EXISTS', groups_key(of, member)) end
  if #members > 0 then redis.call('SREM', g.gm, unpack(members)) end
  for _, member in ipairs(members) do redis.call('HDEL', groups_key(of, member), id) end
  if redis.call('EXISTS', g.gm) == 1 then return cursor end
  redis.call('UNLINK', g.gd, g.gb)
end

function steps.leave()
  local live = live_user()
  local groups = redis.call('HRANDFIELD', groups_key(of, id), CHUNK)
  if live or #groups == 0 then return end
  leave_all(of, id, look_at_groups(of, groups))
  redis.call('HDEL', groups_key(of, id), unpack(groups))
  if redis.call('EXISTS', groups_key(of, id)) == 1 then return cursor end
end

function steps.join()
  local live, bid = live_user()
  if not live or not bid then return end
  local groups, following = look_at_joins(of, id, cursor)
  join_all(of, id, groups)
  if following ~= '0' then return following end
end

local following = steps[kind]()
if not following then redis.call('HDEL', KEYS[8], task[1])
elseif following ~= cursor then redis.call('HSET', KEYS[8], task[1], following) end
wake(reindex(of))
return redis.call('HLEN', KEYS[8])
