-- Shared by SETTLE: what an attempt says about the tenant's backend, kept in ctl for all workers.
-- closed -> 5 faults in a row -> open (the tenant is on hold) -> the hold ends: half-open, one
-- lease at a time -> success: closed, slow start 1, 2, 4 ... capmax; fault: open for longer.
local FAULTS_TO_OPEN = 5
local FIRST_HOLD_MS, LONGEST_HOLD_MS = 5000, 300000

local function hold_until(at, reason)
  local current = tonumber(redis.call('HGET', T.ctl, 'hold') or 0)
  if at > current then redis.call('HSET', T.ctl, 'hold', at, 'reason', reason) end
end

local function open_breaker(jitter)
  local opens = redis.call('HINCRBY', T.ctl, 'bo', 1)
  local hold = math.min(LONGEST_HOLD_MS, FIRST_HOLD_MS * 2 ^ (opens - 1)) * (0.5 + jitter / 2)
  redis.call('HSET', T.ctl, 'bs', 'o')
  redis.call('HDEL', T.ctl, 'bf')
  hold_until(now + math.floor(hold), 'breaker')
end

-- A fault that was under way when the breaker opened says nothing new.
local function on_fault(c, jitter)
  if c.open then
    if c.hold <= now then open_breaker(jitter) end
  elseif redis.call('HINCRBY', T.ctl, 'bf', 1) >= FAULTS_TO_OPEN then
    open_breaker(jitter)
  end
end

-- Doubles up to the threshold `ss`, then one more; after as many successes as the cap is.
local function grow(c)
  if redis.call('HINCRBY', T.ctl, 'cs', 1) < c.cap then return end
  local wider = c.cap + 1
  if c.cap < c.threshold then wider = math.min(c.cap * 2, c.threshold) end
  if wider >= c.capmax then
    redis.call('HDEL', T.ctl, 'cap', 'ss', 'cs')
  else
    redis.call('HDEL', T.ctl, 'cs')
    redis.call('HSET', T.ctl, 'cap', wider)
  end
end

local function on_success(c)
  if c.open and c.hold > now then return end
  if c.open then
    redis.call('HDEL', T.ctl, 'bs', 'bo', 'bf', 'hold', 'reason', 'ss', 'cs')
    redis.call('HSET', T.ctl, 'cap', 1)
  else
    if c.faults then redis.call('HDEL', T.ctl, 'bf') end
    if c.cap then grow(c) end
  end
end

-- Those that were under way when the tenant was parked were told the same.
local function on_throttle(c)
  if c.hold > now then return end
  local half = math.max(1, math.floor((c.cap or c.capmax) / 2))
  redis.call('HDEL', T.ctl, 'cs')
  redis.call('HSET', T.ctl, 'cap', half, 'ss', half)
end

-- signal: ok, fault, throttle, config or none. Called after the first write.
local function report(signal, hold_ms, jitter, reason)
  local got = redis.call('HMGET', T.ctl, 'bs', 'bf', 'cap', 'capmax', 'ss', 'hold')
  local capmax = tonumber(got[4] or CAPMAX)
  local c = {open = got[1], faults = got[2], cap = tonumber(got[3]), capmax = capmax,
             threshold = tonumber(got[5] or capmax), hold = tonumber(got[6] or 0)}
  if hold_ms > 0 then hold_until(now + hold_ms, reason) end
  if signal == 'ok' then on_success(c)
  elseif signal == 'fault' then on_fault(c, jitter)
  elseif signal == 'throttle' then on_throttle(c)
  elseif signal == 'config' then redis.call('HSET', T.ctl, 'bs', 'o') end
end
