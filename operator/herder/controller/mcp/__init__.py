"""What MCP servers need beside the core: a file for each gateway, and eyes on the servers.

ports                  what the kind (families.mcp) is given to work with; desk answers for it
outlook                what is said and done about one server: pure
published, configmap   the file of one gateway: decided here, kept there
rollout                the gateway's Deployment, rolled when the file has changed
files                  the files of all gateways, each looked after once per resync
sightings              what the servers themselves say between runs
"""
