-- BEAT: extends leases whose token is still the right one.
-- KEYS  ep, leases, state of each item; ARGV  epoch, lease ms, then of each item: lease, token
-- Returns the places (from 1) of the items that were lost
-- Begins with ZREM, so that a full Redis loses no lease.
local lost, mine = {}, {}
for i = 3, #KEYS do
  local at = 2 * i - 3
  if redis.call('HGET', KEYS[i], 'tok') == ARGV[at + 1] then
    mine[#mine + 1] = ARGV[at]
  else
    lost[#lost + 1] = i - 2
  end
end
for _, lease in ipairs(mine) do
  redis.call('ZREM', KEYS[2], lease)
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), lease)
end
return lost
