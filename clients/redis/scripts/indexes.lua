-- Shared by WRITE: the indexes it touches, and the names that move.
-- ARGV[11..] of each index: name, '1' when unique, old value, new value. What an update leaves as
-- it was is its own already.
-- A unique value that is given up goes to `rel` until the backend has followed: whoever takes it
-- meanwhile waits for its last holder and so never meets a record that is about to change.

local function joined(list, rk)
  if list then return list .. ' ' .. rk end
  return rk
end

-- Every index with what is stored now; `loser` is a unique index whose new value another owns.
local function look_at_indexes()
  local found, loser = {}, false
  local releases = redis.call('EXISTS', T.rel) == 1
  for i = 11, #ARGV, 4 do
    local x = {key = T.root .. 'ix:' .. ARGV[i], name = ARGV[i], unique = ARGV[i + 1] == '1',
               old = ARGV[i + 2], new = ARGV[i + 3]}
    if x.unique and x.new ~= '' then
      local owner = x.old ~= x.new and redis.call('HGET', x.key, x.new)
      if owner and owner ~= R.rk then loser = x.name end
      x.holder = releases and redis.call('HGET', T.rel, x.name .. ':' .. x.new)
    elseif not x.unique and x.old ~= x.new then
      x.leave = x.old ~= '' and redis.call('HGET', x.key, x.old)
      x.join = x.new ~= '' and redis.call('HGET', x.key, x.new)
    end
    found[#found + 1] = x
  end
  return found, loser
end

-- The resources that still hold new values at the backend: each value may have another holder.
local function holders_of(indexes)
  local found, seen = {}, {[R.rk] = true}
  for _, x in ipairs(indexes) do
    if x.holder and not seen[x.holder] then
      found[#found + 1], seen[x.holder] = x.holder, true
    end
  end
  return #found > 0 and found
end

-- `known` says that the backend may hold the old value.
local function move_unique(x, version, known)
  if x.old ~= x.new then
    if x.old ~= '' then redis.call('HDEL', x.key, x.old) end
    if x.new ~= '' then redis.call('HSET', x.key, x.new, R.rk) end
    if known and x.old ~= '' then
      redis.call('HSETNX', T.rel, x.name .. ':' .. x.old, R.rk)
      redis.call('HSET', R.rl, x.name .. ':' .. x.old, version)
    end
  end
  if x.holder == R.rk then              -- taken back before the backend had followed
    redis.call('HDEL', T.rel, x.name .. ':' .. x.new)
  end
  if known and x.new ~= '' then redis.call('HDEL', R.rl, x.name .. ':' .. x.new) end
end

local function move_shared(x)
  if x.old == x.new then return end
  if x.leave then
    local rest = without(x.leave, R.rk)
    if rest then redis.call('HSET', x.key, x.old, rest) else redis.call('HDEL', x.key, x.old) end
  end
  if x.new ~= '' then redis.call('HSET', x.key, x.new, joined(x.join, R.rk)) end
end

local function move_indexes(indexes, version, known)
  for _, x in ipairs(indexes) do
    if x.unique then move_unique(x, version, known) else move_shared(x) end
  end
end
