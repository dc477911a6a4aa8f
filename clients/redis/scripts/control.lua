-- CONTROL: an operator's switches of one tenant.
-- KEYS  partition and tenant keys
-- ARGV  epoch, tenant, pause/hold/resume/guard, who, why, then of hold: ms, of guard: limit and
--       window ms (both '': the default)
-- Returns 1. Safe to repeat. Begins with HDEL but for a hold.
local verb, who, why = ARGV[3], ARGV[4], ARGV[5]
local verbs = {}

-- Beside the switch, `paused` of the partition says who paused since when and why.
function verbs.pause()
  local since = redis.call('HGET', T.ctl, 'paused') or now
  redis.call('HDEL', T.ctl, 'paused')
  redis.call('HSET', T.ctl, 'paused', since)
  redis.call('HSET', root .. 'paused', T.name,
             cjson.encode({since = tonumber(since), who = who, why = why}))
end

function verbs.hold()
  local current = tonumber(redis.call('HGET', T.ctl, 'hold') or 0)
  local at = math.max(current, now + tonumber(ARGV[6]))
  redis.call('HSET', T.ctl, 'hold', at, 'reason', why)
end

function verbs.resume()
  redis.call('HDEL', T.ctl, 'paused', 'hold', 'reason', 'bs', 'bf', 'bo')
  redis.call('HDEL', root .. 'paused', T.name)
end

function verbs.guard()
  redis.call('HDEL', T.ctl, 'gl', 'gw', 'gs', 'gn', 'gp')
  if ARGV[6] ~= '' then redis.call('HSET', T.ctl, 'gl', ARGV[6], 'gw', ARGV[7]) end
end

verbs[verb]()
note(T.root, who, verb, why)
wake(reindex(T))
return 1
