-- Shared by RESYNC and SETTLE: asks to send the newest state of a resource again. The mark is the
-- claim count of this moment: a lease with claim count <= mark settles as DIRTY, a later one
-- clears it. The version is never touched: it is the client's ETag.
-- `s` is {v, f, st, sec} as read. Begins with HDEL, so that a full Redis accepts it.
local function send_again(rk, s)
  local state = T.root .. 's:' .. rk
  redis.call('HDEL', state, 'rs')
  redis.call('HSET', state, 'rs', s[2] or 0)
  if s[3] == 'S' then
    redis.call('HSET', state, 'st', 'P')
    redis.call('ZADD', T.q, due_now(s[4]), rk)
    redis.call('ZADD', T.fd, now, rk)
    tally(P.dirty, T.name, 1)
  end
end
