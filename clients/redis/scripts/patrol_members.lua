-- PATROL_MEMBERS: some members of a group that the backend should have.
-- KEYS  ep, members, parked members; ARGV  epoch, tenant root, cursor ('0' begins)
-- Returns {cursor that follows, '0' at the end; {member, backend id...}}; one may come twice
local row, found = redis.call('SSCAN', KEYS[2], ARGV[3], 'COUNT', 500), {}
for _, id in ipairs(row[2]) do
  local bid = redis.call('HGET', ARGV[2] .. 's:u:' .. id, 'bid')
  if bid and redis.call('SISMEMBER', KEYS[3], id) == 0 then
    found[#found + 1] = id
    found[#found + 1] = bid
  end
end
return {row[1], found}
