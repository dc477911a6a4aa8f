-- Shared by the scripts that touch memberships. Of a group:
--   gm SET   its members, as SCIM wants them
--   gd ZSET  member -> stamp: what the backend does not have yet
--   gb SET   members parked: they have no backend id yet, or never will
-- and of a member: ug HASH, the groups it is in. A stamp is new for each change of a group; of a
-- member who leaves it is LEAVES lower, so that leaving goes first, then the oldest change.
local LEAVES = 1000000000000
local DEBOUNCE_MS = 2000   -- how long a group waits for more people to arrive
local CHUNK = 200          -- groups or members handled in one step of a walk

local function group_keys(of, rk)
  return {gm = of.root .. 'gm:' .. rk, gd = of.root .. 'gd:' .. rk, gb = of.root .. 'gb:' .. rk}
end

local function groups_key(of, member) return of.root .. 'ug:' .. member end

local function is_group(rk) return string.sub(rk, 1, 2) == 'g:' end

-- Groups as they are now; read before the first write. A deleted one is left out.
local function look_at_groups(of, rks)
  local found = {}
  for _, rk in ipairs(rks) do
    local g = group_keys(of, rk)
    local s = redis.call('HMGET', of.root .. 's:' .. rk, 'v', 'mv', 'st', 'del')
    redis.call('EXISTS', g.gm, g.gd, g.gb)
    g.rk, g.s, g.v, g.stamp, g.st = rk, of.root .. 's:' .. rk, s[1], tonumber(s[2] or 0) + 1, s[3]
    if s[1] and not s[4] then found[#found + 1] = g end
  end
  redis.call('EXISTS', of.q, of.fd)
  return found
end

local function fields(pairs_of)
  local found = {}
  for i = 1, #pairs_of, 2 do found[#found + 1] = pairs_of[i] end
  return found
end

local function task_of(of, kind, rk) return of.name .. '/' .. kind .. '/' .. rk end
