-- STATE: where one resource stands.
-- KEYS  partition, tenant and resource keys; ARGV  epoch, tenant, rk
-- Returns {st, v, av, backend id, failures, crashes, deleted, error code, due, first dirty,
--          error text, members pending, members parked}, or an empty list
local s = redis.call('HMGET', R.s, 'st', 'v', 'av', 'bid', 'fl', 'cr', 'del', 'e')
if not s[1] then return {} end
s[9] = redis.call('ZSCORE', T.q, R.rk)
s[10] = redis.call('ZSCORE', T.fd, R.rk)
s[11] = redis.call('GET', R.err)
local G = group_keys(T, R.rk)
s[12] = redis.call('ZCARD', G.gd)
s[13] = redis.call('SCARD', G.gb)
return s
