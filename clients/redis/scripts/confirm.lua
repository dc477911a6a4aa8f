-- Shared by SETTLE: what became of memberships. ARGV[19] says how many entries the backend has now,
-- then member and stamp of each; what follows are members it does not know.
local REPAIR = 500         -- members of a lost record that are queued again in one step

local function look_at_done(g)
  local found, last = {}, 19 + 2 * tonumber(ARGV[19])
  for i = 20, last, 2 do
    local stamp = redis.call('ZSCORE', g.gd, ARGV[i])
    if stamp and tonumber(stamp) == tonumber(ARGV[i + 1]) then found[#found + 1] = ARGV[i] end
  end
  return found, last + 1
end

local function look_at_unknown(g, from)
  local found = {}
  for i = from, #ARGV do
    local user = T.root .. 's:u:' .. ARGV[i]
    found[#found + 1] = {id = ARGV[i], user = user, stamp = redis.call('ZSCORE', g.gd, ARGV[i]),
                         s = redis.call('HMGET', user, 'v', 'f', 'st', 'sec', 'del')}
  end
  return found
end

-- The next members of a record that vanished; they are queued when there is room.
local function look_at_repair(g, cursor)
  if not cursor or redis.call('ZCARD', g.gd) - #g.done >= REPAIR then return nil end
  local row = redis.call('SSCAN', g.gm, cursor, 'COUNT', REPAIR)
  local x = {following = row[1], add = {}}
  if #row[2] == 0 then return x end
  local parked = redis.call('SMISMEMBER', g.gb, unpack(row[2]))
  for i, id in ipairs(row[2]) do
    if parked[i] == 0 then
      x.add[#x.add + 1] = g.stamp
      x.add[#x.add + 1] = id
    end
  end
  return x
end

-- What a group's settlement means for its members; `lost` says that its record vanished.
local function look_at_confirmed(lost)
  local g = group_keys(T, R.rk)
  local s = redis.call('HMGET', R.s, 'mv', 'dv', 'gl', 'gf')
  g.stamp, g.dv, g.lost = tonumber(s[1] or 0) + 1, tonumber(s[2] or 0), lost
  local from
  g.done, from = look_at_done(g)
  g.unknown = look_at_unknown(g, from)
  g.left = lost or s[4] or tonumber(s[3] or 0) > tonumber(ARGV[19]) + #g.unknown
  g.repair = look_at_repair(g, lost and '0' or s[4])
  return g
end

local function take_repair(g)
  if #g.repair.add > 0 then redis.call('ZADD', g.gd, 'NX', unpack(g.repair.add)) end
  redis.call('HSET', R.s, 'mv', g.stamp)
  if g.repair.following == '0' then redis.call('HDEL', R.s, 'gf')
  else redis.call('HSET', R.s, 'gf', g.repair.following) end
end

-- Who is unknown there is parked until sent again; of the deleted there is nothing to do.
local function take_unknown(g, x)
  redis.call('ZREM', g.gd, x.id)
  if x.stamp and tonumber(x.stamp) > 0 then redis.call('SADD', g.gb, x.id) end
  if x.s[1] and not x.s[5] then
    redis.call('HSET', x.user, 'mw', '1')
    send_again('u:' .. x.id, x.s)
  end
end

-- An entry that changed meanwhile, or that went to a record that is lost, stays.
local function take_confirmed(g)
  if g.lost then redis.call('HSET', R.s, 'gf', '0')
  elseif #g.done > 0 then redis.call('ZREM', g.gd, unpack(g.done)) end
  if g.repair then take_repair(g) end
  for _, x in ipairs(g.unknown) do take_unknown(g, x) end
end

-- Whether anything is still to be sent, when all that was sent is done.
local function group_has_work(g, sent)
  return g.dv > sent or redis.call('EXISTS', g.gd) == 1
         or redis.call('HEXISTS', R.s, 'gf') == 1
end
