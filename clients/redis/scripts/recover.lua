-- RECOVER: gives back the leases of one claim whose answer was lost.
-- KEYS  partition keys; ARGV  epoch, the claim's token prefix
-- Returns how many. Nothing was sent for them, so neither crash nor settle delay counts.
-- Begins with ZREM.
local found = {}
for _, lease in ipairs(redis.call('ZRANGE', P.l, 0, -1)) do
  local name, rk = string.match(lease, '^([^/]+)/(.+)$')
  local of = tenant_keys(name)
  local s = redis.call('HMGET', of.root .. 's:' .. rk, 'tok', 'sec', 'w', 'mg')
  local prefix = s[1] and string.match(s[1], '^(.*)%.%d+$')
  if prefix == ARGV[2] then
    control(of)
    redis.call('EXISTS', of.q, of.held)
    found[#found + 1] = {lease = lease, of = of, rk = rk, sec = s[2], w = s[3],
                         held = s[4]}
  end
end
for _, x in ipairs(found) do
  local state = x.of.root .. 's:' .. x.rk
  redis.call('ZREM', P.l, x.lease)
  redis.call('HDEL', state, 'tok', 'fd2', 'mg')
  redis.call('HSET', state, 'st', x.held and 'H' or x.w and 'W' or 'P')
  if x.held then redis.call('ZADD', x.of.held, now, x.rk)
  else redis.call('ZADD', x.of.q, x.w and now + BLOCK_MS or due_now(x.sec), x.rk) end
  tally(P.leases, x.of.name, -1)
  wake(reindex(x.of))
end
return #found
