-- Shared by the scripts on one resource. ARGV[3] is its resource key; its keys are the tenant's.
local function resource_keys(of, rk)
  return {rk = rk, d = of.root .. 'd:' .. rk, s = of.root .. 's:' .. rk,
          err = of.root .. 'err:' .. rk, w = of.root .. 'w:' .. rk, rl = of.root .. 'rl:' .. rk,
          gone = of.root .. 'gone:' .. rk}
end

local R = resource_keys(T, ARGV[3])
