-- WRITE: one change of one SCIM resource: document, indexes, dirty mark, place in the queue.
-- KEYS  partition keys, of whose slot all others are
-- ARGV  epoch, tenant, rk, op C/U/D, expected version or '', document, digest, nonce,
--       lane normal/security/return, cause; then of each index: name, '1' when unique, old value,
--       new value
-- Returns {OK, v, 1 when the mass-change guard holds it, else 0} | {NOOP, v} | {EXISTS, v}
--         {GONE, 0} | {CONFLICT, v} | {UNIQ, index}
-- Members change a group's version without its document: there only a newer document conflicts.
-- The same nonce gives the same answer and does nothing more. Everything is read before anything
-- is written. C and U begin with SET, so that a full Redis refuses them whole; D, and a U of the
-- security lane, begin with DEL, so that who leaves is still let go then.
local rk, op, digest, nonce = R.rk, ARGV[4], ARGV[7], ARGV[8]
local security, returns = ARGV[9] == 'security', ARGV[9] == 'return'
local got = redis.call('HMGET', R.s, 'v', 'h', 'n', 'del', 'st', 'f', 'bid', 'nb', 'dv', 'w', 'sec',
                       'mg')
local v, st, claims = tonumber(got[1]), got[5], tonumber(got[6] or 0)
local ids = T.root .. 'ids:' .. string.sub(rk, 1, 1)
local expected = tonumber(ARGV[5])
local held = st == 'H' or got[12]

-- Why nothing is to be done, if so.
local function verdict()
  if v and got[3] == nonce then return {'OK', v, held and 1 or 0} end
  if op == 'C' then return v and {'EXISTS', v} end
  if not v then
    local by, last = string.match(redis.call('GET', R.gone) or '', '^(%S*) (%d+) ')
    if by == nonce then return {'OK', tonumber(last), 0} end
  end
  if not v or got[4] then return {'GONE', 0} end
  if expected < tonumber(got[9] or v) or expected > v then return {'CONFLICT', v} end
  return op == 'U' and got[2] == digest and {'NOOP', v}
end

local answer = verdict()
if answer then return answer end
local indexes, loser = look_at_indexes()
if loser then return {'UNIQ', loser} end
local waits_for = holders_of(indexes)
for _, holder in ipairs(waits_for or {}) do redis.call('EXISTS', T.root .. 'w:' .. holder) end
local work = look_at_work({v = v, st = st, nb = got[8]})
local leaving = op == 'D' and look_at_leaving()

-- Counted once until the backend has followed; who never was on the way there cannot leave it.
local leaver = security and not is_group(rk) and not held and not got[11]
local guard = leaver and (op == 'U' or claims > 0) and look_at_guard()
work.holds = held and not returns or guard and guard.shut

-- From here on only writes.
if op == 'D' or (op == 'U' and security) then redis.call('DEL', R.d) end
if op ~= 'D' then redis.call('SET', R.d, ARGV[6]) end
local version = (v or 0) + 1
move_indexes(indexes, version, claims > 0)
if op == 'C' then redis.call('ZADD', ids, redis.call('HINCRBY', T.ctl, 'seq', '1'), rk) end
if op == 'D' then redis.call('ZREM', ids, rk) end
if leaving then take_leave(leaving) end
count('writes', 1)
if guard then count_leaver(guard) end
if held and returns then redis.call('HDEL', R.s, 'mg', 'sec') end

local state = {'v', version, 'n', nonce, 'c', ARGV[10]}
local function set(field, value)
  state[#state + 1] = field
  state[#state + 1] = value
end
if op == 'D' then set('del', '1') else set('h', digest) end
if is_group(rk) then set('dv', version) end
if security then set('sec', '1') end
if waits_for then
  set('w', table.concat(waits_for, ' '))
  for _, holder in ipairs(waits_for) do redis.call('SADD', T.root .. 'w:' .. holder, rk) end
elseif got[10] then
  redis.call('HDEL', R.s, 'w')
end

work.waits_for, work.stays = waits_for, st == 'L' or st == 'H' and work.holds
if st == 'L' and work.holds then set('mg', '1') end
put_to_work(work, state, security)
return {'OK', version, work.holds and 1 or 0}
