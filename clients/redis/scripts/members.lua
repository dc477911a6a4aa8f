-- MEMBERS: members join and leave a group.
-- KEYS  partition, tenant and resource keys of the group; [20..22] gm gd gb; [23] this nonce's
--       answer; (each member's state and groups, and a running replacement's list, are learnt here)
-- ARGV  epoch, tenant, rk, cause, then at most 200 of '+id' and '-id', each id once
-- Returns {OK, v} | {NOOP, v} | {GONE, 0}
-- The same nonce gives the same answer and does nothing more. Everything is read before anything
-- is written.
local said, last = string.match(redis.call('GET', KEYS[23]) or '', '^(%S+) (%d+)$')
if said then return {said, tonumber(last)} end
local group = look_at_group()
if not group then return {'GONE', 0} end

local joins, leaves = {}, {}
for i = 5, #ARGV do
  local list = string.sub(ARGV[i], 1, 1) == '+' and joins or leaves
  list[#list + 1] = string.sub(ARGV[i], 2)
end
local joiners, leavers = look_at_members(joins, true), look_at_members(leaves, false)

-- A replacement that is under way keeps what came after it.
local list = group.run and T.root .. 'gs:' .. R.rk .. ':' .. group.run
local replacing = list and redis.call('EXISTS', list) == 1

local answer = apply(group, joiners, leavers, ARGV[4])
if replacing and #joins > 0 then redis.call('SADD', list, unpack(joins)) end
if replacing and #leaves > 0 then redis.call('SREM', list, unpack(leaves)) end
if answer[1] == 'OK' then
  redis.call('SET', KEYS[23], 'OK ' .. answer[2], 'PX', ANSWER_MS)
end
return answer
