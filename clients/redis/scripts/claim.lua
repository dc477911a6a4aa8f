-- CLAIM: leases due resources, tenants in the order in which they were served last.
-- KEYS  partition keys (the chosen tenants' keys are learnt here, and read before the first write)
-- ARGV  epoch, max items, lease ms, token prefix, settle ms, max crashes, quantum, '1' for one
--       suspect alone
-- Returns {AGAIN, n}   n expired leases were returned to the queue: ask again
--         {OK, suspects, item...} item = {tenant, rk, token, v, av, claim, document, backend id, failures,
--                       crashes, force, managed, applied digest, error, first dirty, cause,
--                       {released `index:value`...} while the backend id is unknown,
--                       {} or of a group {'1' when its fields changed, '1' when its record was
--                       lost, '1' when more members wait, {member, backend id, stamp...}}}
--         {IDLE, ms, suspects}   nothing is due before ms (-1: nothing waits)
-- A suspect is a resource over which SUSPECT workers died in a row: perhaps it kills them. It is
-- leased alone, so that nobody dies with it: a claim that meets one notes it in `sus` and puts it
-- off; `suspects` says how many may be tried now, by workers with nothing else in hand.
-- Begins with ZREM or DEL, so that a full Redis can be drained.
local max, lease_ms, prefix = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local settle_ms, max_crashes, quantum = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local alone = ARGV[8] == '1'
local SUSPECT = 2

-- 1. Leases that ran out: their workers are dead or slow. At most 32 in one call.
local expired = {}
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', P.l, '-inf', now, 'LIMIT', 0, 32)) do
  local name, rk = string.match(lease, '^([^/]+)/(.+)$')
  local of = tenant_keys(name)
  local s = redis.call('HMGET', of.root .. 's:' .. rk, 'st', 'bid', 'cr', 'fd2', 'sec', 'w', 'mg')
  control(of)
  redis.call('EXISTS', of.q, of.dead, of.held)
  expired[#expired + 1] = {lease = lease, of = of, rk = rk, s = s}
end
for _, x in ipairs(expired) do
  local of, state, s = x.of, x.of.root .. 's:' .. x.rk, x.s
  redis.call('ZREM', P.l, x.lease)
  tally(P.leases, of.name, -1)
  if s[1] == 'L' then
    local crashes = tonumber(s[3] or 0) + 1
    redis.call('HDEL', state, 'tok', 'fd2')
    if not s[2] then redis.call('HSET', state, 'nb', now + settle_ms) end
    if crashes >= max_crashes and not s[4] then
      redis.call('HSET', state, 'st', 'D', 'cr', crashes, 'e', 'crashloop')
      redis.call('ZADD', of.dead, now, x.rk)
      count('dead', 1)
    else
      local st, due = 'P', due_now(s[5])
      if not s[2] then st, due = 'R', now + settle_ms end   -- a create may still take effect
      if s[6] then st, due = 'W', now + BLOCK_MS end
      if s[7] then
        st, due = 'H', now
        redis.call('HDEL', state, 'mg')
      end
      redis.call('HSET', state, 'st', st, 'cr', crashes)
      redis.call('ZADD', s[7] and of.held or of.q, due, x.rk)
    end
  end
  reindex(of)
end
if #expired > 0 then
  count('reaped', #expired)
  return {'AGAIN', #expired}
end

-- 2. Which tenants, and how many of each: a quantum in turn until max.
-- Of suspects one, the first whose tenant may be served. The others that were looked at go back
-- to their tenants' queues, where hold, pause and cap are kept; what is none any more is dropped.
local visits, possible, dropped = {}, 0, {}
local function look_at_suspects()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', P.sus, '-inf', now, 'LIMIT', 0, 16)) do
    local tenant, rk = string.match(name, '^([^/]+)/(.+)$')
    local of = tenant_keys(tenant)
    local c, s = control(of), redis.call('HMGET', of.root .. 's:' .. rk, 'cr', 'sec')
    local waits = redis.call('ZSCORE', of.q, rk) and tonumber(s[1] or 0) >= SUSPECT
    if waits and c.hold <= now and not c.paused and leases_of(of) < c.cap then
      visits[1] = {of = of, due = {rk}, take = 1}
      return
    end
    dropped[#dropped + 1] = {name = name, of = of, rk = rk, waits = waits, sec = s[2]}
  end
end
local halted = redis.call('HEXISTS', root .. 'paused', '*') == 1
if alone and not halted then look_at_suspects() end
for _, name in ipairs((alone or halted) and {}
    or redis.call('ZRANGEBYSCORE', P.r, '-inf', '(' .. now + 1, 'LIMIT', 0, max)) do
  local of = tenant_keys(name)
  local c = control(of)
  local room = c.cap - leases_of(of)
  local due = {}
  if c.hold <= now and not c.paused and room > 0 then
    due = redis.call('ZRANGEBYSCORE', of.q, '-inf', now, 'LIMIT', 0, math.min(room, max))
  end
  visits[#visits + 1] = {of = of, due = due, take = 0}
  possible = possible + math.min(quantum, #due)
  if possible >= max then break end
end
local left, progress = alone and 0 or max, true
while left > 0 and progress do
  progress = false
  for _, visit in ipairs(visits) do
    local n = math.min(quantum, #visit.due - visit.take, left)
    if n > 0 then
      visit.take, left, progress = visit.take + n, left - n, true
    end
  end
end

-- 3. What a worker needs of each.

-- Whether anyone at the ends of the chains of waiting still holds names at the backend.
-- In a circle nobody does: then it is tried.
local function held_up(of, rk, holders)
  local chain, seen = {}, {[rk] = true}
  local function follow(rks)
    for other in string.gmatch(rks, '%S+') do
      if not seen[other] then chain[#chain + 1], seen[other] = other, true end
    end
  end
  follow(holders)
  for at = 1, 32 do
    if not chain[at] then return false end
    local following = redis.call('HGET', of.root .. 's:' .. chain[at], 'w')
    if following then follow(following)
    elseif redis.call('EXISTS', of.root .. 'rl:' .. chain[at]) == 1 then return true end
  end
  return false
end

local function look(of, rk)
  local s = redis.call('HMGET', of.root .. 's:' .. rk, 'v', 'av', 'f', 'bid', 'fl', 'cr', 'rs',
                       'mf', 'ah', 'e', 'c', 'w', 'sec')
  local released = not s[4] and s[3] and redis.call('HKEYS', of.root .. 'rl:' .. rk)
  local doc = redis.call('GET', of.root .. 'd:' .. rk)
  return {rk = rk, s = s, released = released or {}, blocked = s[12] and held_up(of, rk, s[12]),
          doc = doc, since = redis.call('ZSCORE', of.fd, rk),
          group = is_group(rk) and doc and look_at_delta(of, rk)}
end

-- A claim with many memberships takes fewer groups, so that it stays short.
local entries = 0
local function fits(of, rk)
  if not is_group(rk) then return true end
  local more = math.min(DELTA, redis.call('ZCARD', group_keys(of, rk).gd))
  if entries > 0 and entries + more > DELTA then return false end
  entries = entries + more
  return true
end
for _, visit in ipairs(visits) do
  visit.items = {}
  for i = 1, visit.take do
    local rk = visit.due[i]
    if fits(visit.of, rk) then visit.items[#visit.items + 1] = look(visit.of, rk) end
  end
end

-- 4. Lease them.
local noted = redis.call('EXISTS', P.sus) == 1
local reply = {'OK', 0}
local function lease(of, item)
  local s, claim = item.s, tonumber(item.s[3] or 0) + 1
  local token = prefix .. '.' .. #reply - 1
  redis.call('ZREM', of.q, item.rk)
  redis.call('ZADD', P.l, now + lease_ms, of.name .. '/' .. item.rk)
  redis.call('HSET', of.root .. 's:' .. item.rk, 'f', claim, 'tok', token, 'st', 'L')
  if s[12] then redis.call('HDEL', of.root .. 's:' .. item.rk, 'w') end
  if item.group then take_delta(of, item.rk, item.group) end
  tally(P.leases, of.name, 1)
  reply[#reply + 1] = {of.name, item.rk, token, s[1], s[2], claim, item.doc, s[4], s[5], s[6],
                       s[7], s[8], s[9], s[10], item.since, s[11], item.released,
                       item.group and delta_of(item.group, s) or {}}
end
for _, x in ipairs(dropped) do
  redis.call('ZREM', P.sus, x.name)
  if x.waits then redis.call('ZADD', x.of.q, due_now(x.sec), x.rk) end
  reindex(x.of)
end
local function put_off(of, item)
  redis.call('ZREM', of.q, item.rk)
  redis.call('ZADD', of.q, now + BLOCK_MS, item.rk)
end
for _, visit in ipairs(visits) do
  for _, item in ipairs(visit.items) do
    local suspect, name = tonumber(item.s[6] or 0) >= SUSPECT, visit.of.name .. '/' .. item.rk
    if suspect and not alone and not item.blocked then
      put_off(visit.of, item)
      redis.call('ZADD', P.sus, 'LT', due_now(item.s[13]), name)
    elseif item.blocked then
      put_off(visit.of, item)
      if noted then redis.call('ZREM', P.sus, name) end
    else
      if noted then redis.call('ZREM', P.sus, name) end
      lease(visit.of, item)
    end
  end
  if #visit.items > 0 then
    -- Tenants served in the same millisecond keep their order by a fraction of it.
    local turn = redis.call('HINCRBY', P.c, 'visits', 1) % 1000
    redis.call('HSET', visit.of.ctl, 'sv', now + turn / 1000)
  end
  reindex(visit.of)
end
reply[2] = halted and 0 or redis.call('ZCOUNT', P.sus, '-inf', now)
if #reply > 2 then return reply end

-- 5. Nothing: sleeping and finding nothing are one step, so no wake-up is lost.
redis.call('DEL', P.awake)
local due = not halted and redis.call('ZRANGE', P.r, 0, 0, 'WITHSCORES')[2]
local expiry = redis.call('ZRANGE', P.l, 0, 0, 'WITHSCORES')[2]
if not due and not expiry then return {'IDLE', -1, reply[2]} end
local at = math.min(tonumber(due or expiry), tonumber(expiry or due))
return {'IDLE', math.max(0, math.ceil(at - now)), reply[2]}
