-- SWITCHES: what decides whether a tenant is served now.
-- KEYS  partition and tenant keys; ARGV  epoch, tenant
-- Returns {now, paused or nothing, of the fleet, hold, reason, breaker, faults, leases, cap,
--          guard limit, guard window ms, held}; `paused` is JSON, see control.lua
local c, s = control(T), redis.call('HMGET', T.ctl, 'reason', 'bs', 'bf')
local limit, window = guard_settings()
return {now, redis.call('HGET', root .. 'paused', T.name), redis.call('HGET', root .. 'paused', '*'),
        c.hold, s[1], s[2], s[3], leases_of(T), c.cap, limit, window,
        redis.call('ZCARD', T.held)}
