-- MEMBERS_PAGE: some members of a group, and how many there are.
-- KEYS  ep, document of the group, gm; ARGV  epoch, after, limit (0: only count)
-- Returns {total, after, {id...}}; `after` is nothing at the end
-- A small group is paged in the order of its ids (`>id`), a big one by Redis' own cursor (`@n`).
local SMALL = 512
local after, limit = ARGV[2], tonumber(ARGV[3])
if redis.call('EXISTS', KEYS[2]) == 0 then return {0, false, {}} end
local total = redis.call('SCARD', KEYS[3])
if limit == 0 then return {total, false, {}} end

if total > SMALL or string.sub(after, 1, 1) == '@' then
  local row = redis.call('SSCAN', KEYS[3], string.match(after, '^@(%d+)$') or '0', 'COUNT', limit)
  return {total, row[1] ~= '0' and '@' .. row[1], row[2]}
end
local ids, found, from = redis.call('SMEMBERS', KEYS[3]), {}, string.sub(after, 2)
table.sort(ids)
for _, id in ipairs(ids) do
  if #found == limit then return {total, '>' .. found[limit], found} end
  if id > from then found[#found + 1] = id end
end
return {total, false, found}
