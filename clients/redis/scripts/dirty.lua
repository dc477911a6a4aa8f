-- Shared by WRITE and the scripts on members: a resource whose content changed is put to work.

-- Its state as read before the first write.
local function look_at_work(s)
  local x = {st = s.st, v = s.v, not_before = tonumber(s.nb or 0)}
  x.waiting = s.v and tonumber(redis.call('ZSCORE', T.q, R.rk))
  x.died = s.st == 'D'
  x.held = s.st == 'H'
  return x
end

-- When it is due. A create whose outcome is unknown keeps its settle delay.
local function due_of(x, security)
  if x.waits_for then return now + BLOCK_MS end
  if x.not_before > now then return x.not_before end
  local at = due_now(security)
  if not x.waiting or x.st == 'W' then return at end
  return math.min(x.waiting, at)
end

-- `state` lists fields and values to store. Leased or held it keeps its place (`stays`), and the
-- settle sees the newer state. What the mass-change guard `holds` goes there and not to the queue.
local function put_to_work(x, state, security)
  if x.stays then
    redis.call('HSET', R.s, unpack(state))
    if x.st == 'L' then redis.call('HSETNX', R.s, 'fd2', now) end
    return
  end
  local function set(field, value)
    state[#state + 1] = field
    state[#state + 1] = value
  end
  set('st', x.holds and 'H' or x.waits_for and 'W' or 'P')
  if x.v then set('fl', 0) end
  if x.died then
    set('cr', 0)
    redis.call('ZREM', T.dead, R.rk)
    redis.call('HDEL', R.s, 'e')
    redis.call('DEL', R.err)
  end
  redis.call('HSET', R.s, unpack(state))
  if not x.v or x.st == 'S' then
    redis.call('ZADD', T.fd, now, R.rk)
    tally(P.dirty, T.name, 1)
  end
  if x.held then redis.call('ZREM', T.held, R.rk) end
  if x.holds then
    redis.call('ZREM', T.q, R.rk)
    redis.call('ZADD', T.held, now, R.rk)
  else
    redis.call('ZADD', T.q, due_of(x, security), R.rk)
  end
  local head = head_of(T)
  if x.waiting or head[1] == R.rk then wake(reindex(T, head)) end  -- else another goes first still
end
