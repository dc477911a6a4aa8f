-- AUDIT: compares the positions of one tenant with the states of its resources.
-- KEYS  partition and tenant keys; ARGV  epoch, tenant, '1' to repair
-- Returns one line for each contradiction; `repair` then rebuilds fd, q, dead, held, leases and
-- the ready index from the states. A lease whose expiry is lost comes back as pending.
-- Walks every resource of the tenant: for tests and for operators, never for a request.
local repair, found, said = ARGV[3] == '1', {}, {}
local function say(text) said[#said + 1] = text end

local rks = {}
for _, key in ipairs({T.root .. 'ids:u', T.root .. 'ids:g', T.fd, T.q, T.dead, T.held}) do
  for _, rk in ipairs(redis.call('ZRANGE', key, 0, -1)) do rks[rk] = true end
end
for _, lease in ipairs(redis.call('ZRANGE', P.l, 0, -1)) do
  local name, rk = string.match(lease, '^([^/]+)/(.+)$')
  if name == T.name then rks[rk] = true end
end

local PLACE = {P = T.q, R = T.q, W = T.q, D = T.dead, H = T.held}
local dirty, leased = 0, 0
for rk in pairs(rks) do
  local s = redis.call('HMGET', T.root .. 's:' .. rk, 'st', 'tok')
  local st, lease = s[1], T.name .. '/' .. rk
  local positions = {}
  for _, key in ipairs({T.q, T.dead, T.held}) do
    positions[key] = redis.call('ZSCORE', key, rk)
  end
  local expiry = redis.call('ZSCORE', P.l, lease)
  local since = redis.call('ZSCORE', T.fd, rk)
  local x = {rk = rk, st = st, want = PLACE[st], positions = positions, since = since}
  found[#found + 1] = x
  if st == 'L' and not (expiry and s[2]) then
    say(rk .. ' is leased without a lease')
    x.want, x.st = T.q, 'P'
  end
  if st == 'S' and is_group(rk) and redis.call('EXISTS', group_keys(T, rk).gd) == 1 then
    say(rk .. ' is synced but has members to send')
    x.want, x.st = T.q, 'P'
  end
  if st ~= 'L' and expiry then
    say(rk .. ' has a lease but is ' .. (st or 'unknown'))
    x.unlease = lease
  end
  for _, key in ipairs({T.q, T.dead, T.held}) do
    if (positions[key] ~= false) ~= (key == x.want) then
      say(rk .. ' is ' .. (st or 'unknown') .. ' but its place ' .. key .. ' says otherwise')
    end
  end
  if (since ~= false) ~= (st ~= false and st ~= 'S') then
    say(rk .. ' is ' .. (st or 'unknown') .. ' but the dirty set says otherwise')
  end
  if x.st and x.st ~= 'S' then dirty = dirty + 1 end
  if x.st == 'L' then leased = leased + 1 end
end
local tallies = {[P.dirty] = dirty, [P.leases] = leased}
for key, n in pairs(tallies) do
  if tonumber(redis.call('HGET', key, T.name) or 0) ~= n then say(key .. ' should be ' .. n) end
end
local ready = redis.call('ZSCORE', P.r, T.name)
if not repair then
  local c = control(T)
  local first = redis.call('ZRANGE', T.q, 0, 0, 'WITHSCORES')[2]
  local serve = first and not c.paused and leases_of(T) < c.cap
  if (ready ~= false) ~= (serve and true or false) then say('the ready index says otherwise') end
  if ready and serve and tonumber(ready) ~= math.max(tonumber(first), c.hold, c.served) then
    say('the ready index has another time')
  end
  return said
end

for _, x in ipairs(found) do
  if x.unlease then redis.call('ZREM', P.l, x.unlease) end
  for _, key in ipairs({T.q, T.dead, T.held}) do
    if key ~= x.want then redis.call('ZREM', key, x.rk)
    elseif not x.positions[key] then redis.call('ZADD', key, now, x.rk) end
  end
  if not x.st or x.st == 'S' then redis.call('ZREM', T.fd, x.rk)
  elseif not x.since then redis.call('ZADD', T.fd, now, x.rk) end
  if x.st == 'P' then
    redis.call('HDEL', T.root .. 's:' .. x.rk, 'tok')
    redis.call('HSET', T.root .. 's:' .. x.rk, 'st', 'P')
  end
end
for key, n in pairs(tallies) do
  redis.call('HDEL', key, T.name)
  if n > 0 then redis.call('HSET', key, T.name, n) end
end
for _, name in ipairs(redis.call('ZRANGE', P.sus, 0, -1)) do   -- claims find suspects again
  local tenant, rk = string.match(name, '^([^/]+)/(.+)$')
  if tenant == T.name then
    redis.call('ZREM', P.sus, name)
    redis.call('ZADD', T.q, 'XX', now, rk)
  end
end
wake(reindex(T))
return said
