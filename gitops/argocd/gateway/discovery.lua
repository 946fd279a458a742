-- What can be done about a ModelGateway. It has nothing to retry, for it is asked at each resync,
-- and what suspends the work on all that it serves is its mode.

local is_going = obj.metadata.deletionTimestamp ~= nil
local is_observed = obj.spec.mode == "Observe"

local actions = {}
actions["suspend"] = {
  ["disabled"] = is_going or is_observed,
  ["displayName"] = "Suspend (mode Observe)",
  ["iconClass"] = "fa fa-fw fa-pause",
}
actions["resume"] = {
  ["disabled"] = is_going or not is_observed,
  ["displayName"] = "Resume (mode Enforce)",
  ["iconClass"] = "fa fa-fw fa-play",
}
return actions
