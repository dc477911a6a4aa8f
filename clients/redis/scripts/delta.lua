-- Shared by CLAIM: the memberships of a claimed group that can be sent now.
local DELTA = 500          -- entries of one group in one claim: what one call to the backend takes

-- Reads the first entries, sorted by what can be done: send, park until there is a backend id, or
-- drop, since who has no record is in no group there.
local function look_at_delta(of, rk)
  local g = group_keys(of, rk)
  local row = redis.call('ZRANGE', g.gd, 0, DELTA - 1, 'WITHSCORES')
  g.send, g.park, g.drop = {}, {}, {}
  for i = 1, #row, 2 do
    local id, stamp = row[i], tonumber(row[i + 1])
    local u = redis.call('HMGET', of.root .. 's:u:' .. id, 'bid', 'del')
    if stamp < 0 and not u[1] then g.drop[#g.drop + 1] = id
    elseif stamp > 0 and (not u[1] or u[2]) then g.park[#g.park + 1] = id
    else
      g.send[#g.send + 1] = id
      g.send[#g.send + 1] = u[1]
      g.send[#g.send + 1] = row[i + 1]
    end
  end
  redis.call('EXISTS', g.gb)
  g.s = redis.call('HMGET', of.root .. 's:' .. rk, 'dv', 'dav', 'gf')
  g.waiting = redis.call('ZCARD', g.gd) - #g.park - #g.drop
  return g
end

-- `gl` remembers how much there was, so that the settle knows what is left of it.
local function take_delta(of, rk, g)
  if #g.park > 0 then
    redis.call('ZREM', g.gd, unpack(g.park))
    redis.call('SADD', g.gb, unpack(g.park))
  end
  if #g.drop > 0 then redis.call('ZREM', g.gd, unpack(g.drop)) end
  redis.call('HSET', of.root .. 's:' .. rk, 'gl', g.waiting)
end

-- As the claim lists it; `s` is the state that the claim read.
local function delta_of(g, s)
  local changed = tonumber(g.s[1] or 0) > tonumber(g.s[2] or 0) or s[7] or not s[4]
  local more = g.waiting > #g.send / 3
  return {changed and '1' or '', g.s[3] and '1' or '', more and '1' or '', g.send}
end
