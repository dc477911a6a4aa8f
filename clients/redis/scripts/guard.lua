-- Shared by every script. KEYS[1] is an installation id (epoch), ARGV[1] the one the caller knows.
-- A missing or different one means: not our data. Nothing is read and nothing is written.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FOREIGN_EPOCH the installation id is missing or another one')
end
