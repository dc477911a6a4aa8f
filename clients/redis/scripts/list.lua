-- LIST: a part of the resources that wait in one place of a tenant, in its order.
-- KEYS  partition and tenant keys
-- ARGV  epoch, tenant, q/dead/held, how many to skip, limit (at most 200)
-- Returns {now, row...}; row = {rk, st, since dirty, score of the place, failures, crashes,
--         error code, error text, deleted, backend id, waits for}
local place = {q = T.q, dead = T.dead, held = T.held}
local skip, found = tonumber(ARGV[4]), {now}
local row = redis.call('ZRANGE', place[ARGV[3]], skip, skip + tonumber(ARGV[5]) - 1, 'WITHSCORES')
for i = 1, #row, 2 do
  local rk = row[i]
  local s = redis.call('HMGET', T.root .. 's:' .. rk, 'st', 'fl', 'cr', 'e', 'del', 'bid', 'w')
  found[#found + 1] = {rk, s[1], redis.call('ZSCORE', T.fd, rk), row[i + 1], s[2], s[3], s[4],
                       redis.call('GET', T.root .. 'err:' .. rk), s[5], s[6], s[7]}
end
return found
