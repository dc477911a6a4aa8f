-- CONTROL: an operator's switches of one tenant.
-- KEYS  partition and tenant keys; ARGV  epoch, tenant, pause/hold/resume, hold ms, reason
-- Returns 1. Safe to repeat.
if ARGV[3] == 'pause' then
  redis.call('HSET', T.ctl, 'paused', '1', 'reason', ARGV[5])
elseif ARGV[3] == 'hold' then
  local current = tonumber(redis.call('HGET', T.ctl, 'hold') or 0)
  local at = math.max(current, now + tonumber(ARGV[4]))
  redis.call('HSET', T.ctl, 'hold', at, 'reason', ARGV[5])
else
  redis.call('HDEL', T.ctl, 'paused', 'hold', 'reason', 'bs', 'bf', 'bo')
end
wake(reindex(T))
return 1
