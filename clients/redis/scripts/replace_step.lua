-- REPLACE_STEP: one step of a replacement: first walks the members, and who is not in the list
-- leaves; then walks the list, and who is no member joins.
-- KEYS  partition, tenant and resource keys of the group; [20..22] gm gd gb; [23] the list;
--       [24] this nonce's answer
-- ARGV  epoch, tenant, rk, cause, run, leave or join, cursor ('0' begins), version at the begin
-- Returns {MORE, v, cursor} | {OK, v, '0'} and {NOOP, v, '0'} at the end | {GONE, 0, '0'}
--         {OTHER, v, '0'}  another replacement has begun, or this one is done
--         {LOST, v, '0'}   the list is gone: this took too long
-- Safe to repeat: whoever came after the replacement is in the list or out of it.
local KEPT_MS = 600000
local walk, cursor = ARGV[6], ARGV[7]
local group = look_at_group()
if not group then return {'GONE', 0, '0'} end
if group.run ~= ARGV[5] then return {'OTHER', group.v, '0'} end
if redis.call('EXISTS', KEYS[23]) == 0 then return {'LOST', group.v, '0'} end

-- The ids that are not in `other`.
local function missing_from(other, ids)
  local found = {}
  if #ids == 0 then return found end
  local present = redis.call('SMISMEMBER', other, unpack(ids))
  for i, id in ipairs(ids) do
    if present[i] == 0 and id ~= '' then found[#found + 1] = id end
  end
  return found
end

local row = redis.call('SSCAN', walk == 'leave' and G.gm or KEYS[23], cursor, 'COUNT', CHUNK)
local ids = missing_from(walk == 'leave' and KEYS[23] or G.gm, row[2])
local answer
if walk == 'leave' then
  answer = apply(group, {}, look_at_members(ids, false), ARGV[4])
else
  answer = apply(group, look_at_members(ids, true), {}, ARGV[4])
end
redis.call('PEXPIRE', KEYS[23], KEPT_MS)
if walk == 'leave' or row[1] ~= '0' then return {'MORE', answer[2], row[1]} end
redis.call('UNLINK', KEYS[23])
redis.call('HDEL', R.s, 'rp')
answer[1] = answer[2] > tonumber(ARGV[8]) and 'OK' or 'NOOP'
redis.call('SET', KEYS[24], answer[1] .. ' ' .. answer[2], 'PX', ANSWER_MS)
return {answer[1], answer[2], '0'}
