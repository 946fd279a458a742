"""What MCP servers need beside the core: a file for each gateway, and eyes on the servers.

desk                   what the kind (families.mcp) is given to work with
published, configmap   the file of one gateway: decided here, kept there
rolling, rollout       the gateway's Deployment, rolled when the file has changed; what that means
faults                 what the API server's refusals mean for a step
files                  the files of all gateways, each looked after once per resync
sightings              what the servers themselves say between runs
"""
