-- DEPTHS: the work of each tenant of a partition that has any.
-- KEYS  partition keys; ARGV  epoch
-- Returns {tenant, ready, delayed, running, parked, held, dead, oldest unsynced ms, resources}
--         of each
local found, halted = {}, redis.call('HEXISTS', root .. 'paused', '*') == 1
for _, name in ipairs(redis.call('HKEYS', P.dirty)) do
  local of = tenant_keys(name)
  local c = control(of)
  local due, parked = redis.call('ZCOUNT', of.q, '-inf', now), 0
  local delayed = redis.call('ZCARD', of.q) - due
  if halted or c.paused or c.hold > now then due, parked = 0, due end
  local oldest = redis.call('ZRANGE', of.fd, 0, 0, 'WITHSCORES')[2]
  found[#found + 1] = {
    name, due, delayed, leases_of(of), parked, redis.call('ZCARD', of.held),
    redis.call('ZCARD', of.dead), oldest and now - tonumber(oldest) or 0,
    redis.call('ZCARD', of.root .. 'ids:u') + redis.call('ZCARD', of.root .. 'ids:g')}
end
return found
