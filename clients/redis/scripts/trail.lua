-- Shared by the scripts of operators: one line of the history, written in the step that it tells of.
-- Called after the first write, so that a full Redis does not stop an operator.
local TRAIL = 1000         -- lines kept, about

-- `at` is a tenant's root or the partition's. Nobody (an empty `who`) leaves no line.
local function note(at, who, what, why)
  if who ~= '' then
    redis.call('XADD', at .. 'audit', 'MAXLEN', '~', TRAIL, '*',
               'at', now, 'who', who, 'what', what, 'why', why)
  end
end
