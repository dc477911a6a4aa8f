-- Shared by the scripts on one tenant. ARGV[2] is its name; its keys share the partition's slot.
local T = tenant_keys(ARGV[2])
