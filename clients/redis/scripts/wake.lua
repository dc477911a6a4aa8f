-- Shared by SETTLE: names released here, and the resources that wait for this one.

-- Drops the names that the backend has seen released; returns whether none is left.
local function drop_released(upto)
  local released = redis.call('HGETALL', R.rl)
  local left = 0
  for i = 1, #released, 2 do
    if tonumber(released[i + 1]) <= upto then
      if redis.call('HGET', T.rel, released[i]) == R.rk then
        redis.call('HDEL', T.rel, released[i])
      end
      redis.call('HDEL', R.rl, released[i])
    else
      left = left + 1
    end
  end
  return left == 0
end

-- The resources that wait for this one; read before the first write.
local function look_at_waiters()
  local found = {}
  for i, rk in ipairs(redis.call('SMEMBERS', R.w)) do
    local state = T.root .. 's:' .. rk
    local got = redis.call('HMGET', state, 'st', 'w', 'sec', 'nb')
    local left = got[2] and without(got[2], R.rk)
    found[i] = {rk = rk, state = state, st = got[1], waits = left ~= got[2], left = left,
                sec = got[3], not_before = tonumber(got[4] or 0)}
  end
  return found
end

-- They may go now, unless they wait for another one besides.
local function wake_waiters(waiters)
  for _, x in ipairs(waiters) do
    if x.waits then redis.call('HDEL', x.state, 'w') end
    if x.waits and x.left then redis.call('HSET', x.state, 'w', x.left)
    elseif x.waits and x.st == 'W' then
      redis.call('HSET', x.state, 'st', 'P')
      local due = x.not_before > now and x.not_before or due_now(x.sec)
      redis.call('ZADD', T.q, due, x.rk)
    end
  end
  redis.call('DEL', R.w)
end
