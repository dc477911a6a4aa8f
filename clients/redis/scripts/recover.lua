-- RECOVER: gives back the leases of one claim whose answer was lost.
-- KEYS  partition keys; ARGV  epoch, the claim's token prefix
-- Returns how many. Nothing was sent for them, so neither crash nor settle delay counts.
-- Begins with ZREM.
local found = {}
for _, lease in ipairs(redis.call('ZRANGE', P.l, 0, -1)) do
  local name, rk = string.match(lease, '^([^/]+)/(.+)$')
  local of = tenant_keys(name)
  local s = redis.call('HMGET', of.root .. 's:' .. rk, 'tok', 'sec', 'w')
  local prefix = s[1] and string.match(s[1], '^(.*)%.%d+$')
  if prefix == ARGV[2] then
    control(of)
    redis.call('EXISTS', of.q)
    found[#found + 1] = {lease = lease, of = of, rk = rk, sec = s[2], w = s[3]}
  end
end
for _, x in ipairs(found) do
  local state = x.of.root .. 's:' .. x.rk
  redis.call('ZREM', P.l, x.lease)
  redis.call('HDEL', state, 'tok', 'fd2')
  redis.call('HSET', state, 'st', x.w and 'W' or 'P')
  redis.call('ZADD', x.of.q, x.w and now + BLOCK_MS or due_now(x.sec), x.rk)
  tally(P.leases, x.of.name, -1)
  wake(reindex(x.of))
end
return #found
