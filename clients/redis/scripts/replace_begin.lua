-- REPLACE_BEGIN: puts the new list of a group's members aside; the last call starts to replace.
-- KEYS  partition, tenant and resource keys of the group; [20] the list; [21] this nonce's answer
-- ARGV  epoch, tenant, rk, run (names the replacement), '1' in the last call, ids
-- Returns {BEGUN, v} | {GONE, 0} | {OK, v} and {NOOP, v} when this nonce is done already
-- From then on MEMBERS changes the list too. The empty id keeps an empty list alive.
local KEPT_MS = 600000
local said, last = string.match(redis.call('GET', KEYS[21]) or '', '^(%S+) (%d+)$')
if said then return {said, tonumber(last)} end
local s = redis.call('HMGET', R.s, 'v', 'del', 'rp')
if not s[1] or s[2] then return {'GONE', 0} end
if s[3] == ARGV[4] then return {'BEGUN', tonumber(s[1])} end
redis.call('SADD', KEYS[20], '', unpack(ARGV, 6))
redis.call('PEXPIRE', KEYS[20], KEPT_MS)
if ARGV[5] == '1' then redis.call('HSET', R.s, 'rp', ARGV[4]) end
return {'BEGUN', tonumber(s[1])}
