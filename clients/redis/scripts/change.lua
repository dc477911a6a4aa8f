-- Shared by MEMBERS and REPLACE: members join and leave one group R, at a cost of what changes.
local G = group_keys(T, R.rk)
local ANSWER_MS = 120000   -- how long the answer to a nonce is kept for a repeat

-- The group as it is, or nothing when there is none.
local function look_at_group()
  local got = redis.call('HMGET', R.s, 'v', 'del', 'st', 'nb', 'mv', 'rp')
  if not got[1] or got[2] then return nil end
  return {v = tonumber(got[1]), st = got[3], nb = got[4], stamp = tonumber(got[5] or 0) + 1,
          run = got[6]}
end

-- Those of `ids` for whom joining (or leaving) changes something, with what decides where they go.
local function look_at_members(ids, joins)
  local found = {}
  if #ids == 0 then return found end
  local present = redis.call('SMISMEMBER', G.gm, unpack(ids))
  local parked = redis.call('SMISMEMBER', G.gb, unpack(ids))
  for i, id in ipairs(ids) do
    if (present[i] == 1) ~= joins then
      local u = redis.call('HMGET', T.root .. 's:u:' .. id, 'bid', 'del')
      local groups = groups_key(T, id)
      redis.call('EXISTS', groups)
      found[#found + 1] = {id = id, groups = groups, parked = parked[i] == 1,
                           known = u[1] and not u[2]}
    end
  end
  return found
end

local function each_id(members, key, command)
  if #members == 0 then return end
  local ids = {}
  for i, x in ipairs(members) do ids[i] = x.id end
  redis.call(command, key, unpack(ids))
end

-- One who is at the backend is to be added there, another is parked.
local function join(members, stamp, queue)
  each_id(members, G.gm, 'SADD')
  local parked = {}
  for _, x in ipairs(members) do
    redis.call('HSET', x.groups, R.rk, '')
    if x.known then queue(stamp, x.id) else parked[#parked + 1] = x end
  end
  each_id(parked, G.gb, 'SADD')
  each_id(parked, G.gd, 'ZREM')
end

-- One who was parked never reached the backend.
local function leave(members, stamp, queue)
  each_id(members, G.gm, 'SREM')
  local parked = {}
  for _, x in ipairs(members) do
    redis.call('HDEL', x.groups, R.rk)
    if x.parked then parked[#parked + 1] = x else queue(stamp - LEAVES, x.id) end
  end
  each_id(parked, G.gb, 'SREM')
end

-- Applies what was looked at. Returns {OK, v}, or {NOOP, v} when nothing changes. Who joins begins
-- with SADD, so that a full Redis refuses it whole; who only leaves begins with SREM.
local function apply(group, joiners, leavers, cause)
  if #joiners + #leavers == 0 then return {'NOOP', group.v} end
  local work = look_at_work(group)
  local queued, security = {}, false
  local function queue(stamp, id)
    queued[#queued + 1] = stamp
    queued[#queued + 1] = id
    security = security or stamp < 0
  end
  join(joiners, group.stamp, queue)
  leave(leavers, group.stamp, queue)
  if #queued > 0 then redis.call('ZADD', G.gd, unpack(queued)) end
  count('writes', 1)
  local version = group.v + 1
  local state = {'v', version, 'mv', group.stamp, 'c', cause}
  if #queued == 0 then                 -- parked or no longer: nothing to tell the backend
    redis.call('HSET', R.s, unpack(state))
    if group.st == 'S' then redis.call('HSET', R.s, 'av', version) end
    return {'OK', version}
  end
  if security then
    state[#state + 1] = 'sec'
    state[#state + 1] = '1'
  end
  work.stays = work.st == 'L' or work.st == 'H' or work.st == 'W'
  put_to_work(work, state, security)
  return {'OK', version}
end
