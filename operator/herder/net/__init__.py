"""The way out to every address that a user named: URLs, the address policy, and HTTP with limits.

    urls          one spelling for each URL
    hosts         which hosts something is for
    surroundings  where herder itself stands
    address       which addresses may be connected to, and the resolver that holds to it
    resolver      name lookups that can't starve each other
    tls           whom a connection trusts
    permit        leave to change something, asked for at the moment of sending
    http          exchanges with a deadline, a body cap and no surprises from the environment; of which
    outgoing      is what is to be sent,
    sessions      the connections,
    bodies        and what is read of the answers
    grpc          calls, under the same rules
    mcp, mcp_sdk  MCP servers, asked over those exchanges with the official SDK
    text          what makes an upstream's words fit for a status
    scrubber      keeps what was read from Secrets out of the log
    errors        what can go wrong; failures makes these of what aiohttp raises

It knows nothing of gateways, workers or Kubernetes.
"""
