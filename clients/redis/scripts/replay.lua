-- REPLAY: puts dead or held resources back to work, their failures forgotten.
-- KEYS  partition and tenant keys
-- ARGV  epoch, tenant, states (D, H or DH), who, why, then at most 500 resource keys
-- Returns how many. Begins with ZREM.
local found = {}
for i = 6, #ARGV do
  local rk = ARGV[i]
  local s = redis.call('HMGET', T.root .. 's:' .. rk, 'st', 'sec', 'w', 'nb')
  if s[1] and string.find(ARGV[3], s[1], 1, true) then
    found[#found + 1] = {rk = rk, place = s[1] == 'D' and T.dead or T.held, sec = s[2],
                         waits = s[3], not_before = tonumber(s[4] or 0)}
  end
end

-- Behind the holder of its name; not before a create of unknown outcome must be seen.
local function due_of(x)
  if x.waits then return now + BLOCK_MS end
  return x.not_before > now and x.not_before or due_now(x.sec)
end

for _, x in ipairs(found) do
  redis.call('ZREM', x.place, x.rk)
  redis.call('HSET', T.root .. 's:' .. x.rk, 'st', x.waits and 'W' or 'P', 'fl', 0, 'cr', 0)
  redis.call('ZADD', T.q, due_of(x), x.rk)
end
if #found > 0 then
  note(T.root, ARGV[4], ARGV[3] == 'H' and 'release' or 'retry', ARGV[5] .. ' (' .. #found .. ')')
  wake(reindex(T))
end
return #found
