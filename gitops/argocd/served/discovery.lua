-- What can be done about a WorkerRegistration, WasmModule, McpServer or Tokenizer, and when it makes no sense:
-- while it is deleted nothing does, a suspended or merely observed one is not registered again,
-- and a run in progress goes on whatever is asked for.

local status = obj.status or {}
local is_going = obj.metadata.deletionTimestamp ~= nil
local is_suspended = obj.spec.suspend == true
local is_observed = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" and condition.reason == "Observed" then
    is_observed = true
  end
end
local run = status.workflow
local is_running = run ~= nil and (run.status == "Pending" or run.status == "Running")

local actions = {}
actions["retry"] = {
  ["disabled"] = is_going or is_suspended or is_observed or is_running,
  ["displayName"] = "Retry",
  ["iconClass"] = "fa fa-fw fa-redo",
}
actions["suspend"] = {
  ["disabled"] = is_going or is_suspended,
  ["displayName"] = "Suspend",
  ["iconClass"] = "fa fa-fw fa-pause",
}
actions["resume"] = {
  ["disabled"] = is_going or not is_suspended,
  ["displayName"] = "Resume",
  ["iconClass"] = "fa fa-fw fa-play",
}
return actions
