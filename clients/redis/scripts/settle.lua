-- SETTLE: ends a lease as its worker decided.
-- KEYS  partition, tenant and resource keys; [20] waiters of the resource that blocks it
-- ARGV  epoch, tenant, rk, token, outcome ok/retry/park/block/release/dead, version sent,
--       signal, backend id, '1' to forget it, managed mask, applied digest, '1' when counted,
--       delay ms, hold ms, blocked on, error code, error text, jitter; memberships: see confirm.lua
-- Returns {SYNCED | DELETED | DIRTY, time to sync, ready ms}
--         {RETRY | PARKED | BLOCKED | RELEASED | DEAD, -1, ready ms}
--         {DUP, earlier status}   this token settled before; nothing is changed
--         {STALE}                 the lease is another's; nothing is changed
-- Begins with ZREM, so that a full Redis can be drained.
local rk, token, outcome, sent = R.rk, ARGV[4], ARGV[5], tonumber(ARGV[6])
local delay_ms, blocked_on = tonumber(ARGV[13]), ARGV[15]
local s = redis.call('HMGET', R.s, 'v', 'f', 'tok', 'lt', 'lo', 'st', 'del', 'fd2', 'rs', 'sec',
                     'w', 'n', 'bid', 'mw', 'mg')
local v, claims = tonumber(s[1]), tonumber(s[2])
if not v then
  local settled = string.match(redis.call('GET', R.gone) or '', ' (%S+)$')
  if settled == token then return {'DUP', 'DELETED'} end
  return {'STALE'}
end
if s[4] == token then return {'DUP', s[5]} end
if s[6] ~= 'L' or s[3] ~= token then return {'STALE'} end

local again = s[9] and tonumber(s[9]) >= claims
local newer = v > sent or again
local since = tonumber(redis.call('ZSCORE', T.fd, rk))
local blocker_dirty = blocked_on ~= '' and redis.call('ZSCORE', T.fd, blocked_on)
local waiters = outcome == 'ok' and look_at_waiters()

local known = s[13] and ARGV[9] ~= '1' and s[13] or nil      -- the backend id from here on
if ARGV[8] ~= '' then known = ARGV[8] end
local group, arrival
if is_group(rk) and not s[7] then group = look_at_confirmed(s[13] and known ~= s[13])
elseif not s[7] then arrival = look_at_arrival(s[13], known, outcome == 'ok' and s[14]) end

redis.call('ZREM', P.l, T.name .. '/' .. rk)
redis.call('HDEL', R.s, 'tok', 'fd2')
tally(P.leases, T.name, -1)
if ARGV[9] == '1' then redis.call('HDEL', R.s, 'bid') end
if ARGV[8] ~= '' then redis.call('HSET', R.s, 'bid', ARGV[8]) end
redis.call('HSET', R.s, 'mf', ARGV[10], 'ah', ARGV[11])    -- also what a failed PATCH may have set
if group then take_confirmed(group) end
if arrival then take_arrival(arrival) end

local answer, latency = '', -1

-- A create of unknown end may still take effect: whatever comes next waits for that.
if delay_ms > 0 and not known then
  redis.call('HSET', R.s, 'nb', now + math.min(delay_ms, SETTLE_MS))
end

-- Back to the queue, behind the holder of its name when a newer write made it wait; or held, when
-- that one was too many for the mass-change guard.
local function enqueue(st, due)
  if s[15] then
    redis.call('HDEL', R.s, 'mg')
    redis.call('HSET', R.s, 'st', 'H')
    redis.call('ZADD', T.held, now, rk)
    return
  end
  if s[11] then st, due = 'W', now + BLOCK_MS end
  redis.call('HSET', R.s, 'st', st)
  redis.call('ZADD', T.q, due, rk)
end

local function remember_error()
  redis.call('HSET', R.s, 'e', ARGV[16])
  redis.call('SET', R.err, ARGV[17])
end

local function leave_dirty_set()
  redis.call('ZREM', T.fd, rk)
  tally(P.dirty, T.name, -1)
end

local function synced()
  redis.call('HDEL', R.s, 'rs', 'sec', 'fl', 'cr', 'gl', 'nb')
  redis.call('HSET', R.s, 'av', v, 'st', 'S')
  return 'SYNCED'
end

-- Fields and members have versions of their own. What is left of this claim goes on at once, what
-- only arrived meanwhile waits for more.
local function ok_group()
  if group.dv <= sent then redis.call('HSET', R.s, 'dav', group.dv) end
  if not again and not group_has_work(group, sent) then
    leave_dirty_set()
    return synced()
  end
  redis.call('HSET', R.s, 'fl', 0, 'cr', 0)
  if not again then redis.call('HDEL', R.s, 'rs') end
  if not group.left then redis.call('ZADD', T.fd, s[8] or now, rk) end
  local soon = newer or group.left
  enqueue('P', soon and due_now(s[10]) or now + DEBOUNCE_MS)
  return 'DIRTY'
end

local function ok()
  latency = now - since
  redis.call('DEL', R.err)
  redis.call('HDEL', R.s, 'e')
  -- Sent again means that a late request may have set names back: they are not free yet.
  if not again and drop_released(sent) then wake_waiters(waiters) end
  if group then return ok_group() end
  if newer then
    redis.call('HSET', R.s, 'av', math.min(sent, v), 'fl', 0, 'cr', 0)
    redis.call('ZADD', T.fd, s[8] or now, rk)
    enqueue('P', due_now(s[10]))
    return 'DIRTY'
  end
  leave_dirty_set()
  if s[7] then
    redis.call('DEL', R.s)
    redis.call('SET', R.gone, (s[12] or '') .. ' ' .. v .. ' ' .. token, 'PX', 120000)
    return 'DELETED'
  end
  return synced()
end

local function retry()
  if ARGV[12] == '1' then redis.call('HINCRBY', R.s, 'fl', 1) end
  enqueue('R', now + delay_ms)
  remember_error()
  return 'RETRY'
end

-- Not the resource's fault: its failures stay as they are.
local function put_back(status)
  if delay_ms > 0 then enqueue('R', now + delay_ms) else enqueue('P', due_now(s[10])) end
  return status
end

local function block()
  if newer then return put_back('RELEASED') end
  remember_error()
  -- It settled meanwhile: nobody would wake us. And a deletion waits for nobody: in a circle with
  -- whoever takes its names it would go last, and remove the record that they adopted.
  if not blocker_dirty or s[7] then
    enqueue('R', now + 1000)
    return 'RETRY'
  end
  redis.call('HSET', R.s, 'st', 'W', 'w', blocked_on)
  redis.call('ZADD', T.q, now + BLOCK_MS, rk)
  redis.call('SADD', KEYS[20], rk)
  return 'BLOCKED'
end

local function dead()
  if newer then                      -- the newer write has not been tried
    redis.call('HSET', R.s, 'fl', 0)
    return put_back('RELEASED')
  end
  redis.call('HSET', R.s, 'st', 'D')
  redis.call('ZADD', T.dead, now, rk)
  remember_error()
  return 'DEAD'
end

if outcome == 'ok' then answer = ok()
elseif outcome == 'retry' then answer = retry()
elseif outcome == 'park' then answer = put_back('PARKED')
elseif outcome == 'block' then answer = block()
elseif outcome == 'release' then answer = put_back('RELEASED')
else answer = dead() end

if answer ~= 'DELETED' then redis.call('HSET', R.s, 'lt', token, 'lo', answer) end
report(ARGV[7], tonumber(ARGV[14]), tonumber(ARGV[18]), ARGV[16])
count(outcome, 1)
local ready_ms = reindex(T)
wake(ready_ms)
return {answer, latency, ready_ms}
