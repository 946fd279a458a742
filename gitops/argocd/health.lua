-- The health of every kind of herder.dev, by the rules of kstatus. Stricter than those in two things: what herder has
-- not looked at yet is no more healthy than what it looked at before the last change.
-- Argo CD gives a script neither string nor math, so this needs none.

local function progressing(message)
  return {status = "Progressing", message = message}
end

local metadata, status = obj.metadata, obj.status or {}
local said = {}
for _, condition in ipairs(status.conditions or {}) do
  said[condition.type] = condition
end
local ready, reconciling, stalled = said.Ready, said.Reconciling, said.Stalled

if metadata.deletionTimestamp ~= nil then
  return progressing(ready and ready.message or "it is being removed")
end
if ready == nil then
  return progressing("herder has not looked at it yet")
end
if status.observedGeneration ~= metadata.generation then
  return progressing("herder has not looked at its last change yet")
end
for _, kind in ipairs({"Ready", "Reconciling", "Stalled"}) do
  if said[kind] ~= nil and said[kind].observedGeneration ~= metadata.generation then
    return progressing(kind .. " is not about its last change yet")
  end
end

if reconciling ~= nil and reconciling.status == "True" then
  return progressing(reconciling.message)
end
if stalled ~= nil and stalled.status == "True" then
  return {status = "Degraded", message = stalled.message}
end
if ready.status == "True" then
  return {status = "Healthy", message = ready.message}
end
if ready.reason == "Suspended" or ready.reason == "Observed" then
  return {status = "Suspended", message = ready.message}
end
return progressing(ready.message)
