-- REPLAY: puts dead or held resources back to work, their failures forgotten.
-- KEYS  partition and tenant keys; ARGV  epoch, tenant, then at most 500 resource keys
-- Returns how many. Begins with ZREM.
local found = {}
for i = 3, #ARGV do
  local s = redis.call('HMGET', T.root .. 's:' .. ARGV[i], 'st', 'sec', 'nb')
  if s[1] == 'D' or s[1] == 'H' then
    found[#found + 1] = {rk = ARGV[i], st = s[1], sec = s[2], not_before = tonumber(s[3] or 0)}
  end
end
for _, x in ipairs(found) do
  redis.call('ZREM', x.st == 'D' and T.dead or T.held, x.rk)
  redis.call('HSET', T.root .. 's:' .. x.rk, 'st', 'P', 'fl', 0, 'cr', 0)
  local due = x.not_before > now and x.not_before or due_now(x.sec)
  redis.call('ZADD', T.q, due, x.rk)
end
if #found > 0 then wake(reindex(T)) end
return #found
