-- FLEET: an operator's switch of a whole partition; an operator throws it in all of them.
-- KEYS  partition keys; ARGV  epoch, pause/resume, who, why
-- Returns 1. Safe to repeat. What is leased goes on, and leases that run out are still reaped.
local since = redis.call('HGET', root .. 'paused', '*')
since = since and cjson.decode(since).since or now
redis.call('HDEL', root .. 'paused', '*')
if ARGV[2] == 'pause' then
  redis.call('HSET', root .. 'paused', '*',
             cjson.encode({since = since, who = ARGV[3], why = ARGV[4]}))
end
note(root, ARGV[3], ARGV[2], ARGV[4])
if ARGV[2] == 'resume' then
  local first = redis.call('ZRANGE', P.r, 0, 0, 'WITHSCORES')[2]
  if first and tonumber(first) <= now then wake(0) end
end
return 1
