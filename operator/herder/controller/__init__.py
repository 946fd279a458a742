"""Kubernetes: watching the resources, deciding what to do about them, writing what has come of it.

The only room that says kopf or kubernetes_asyncio. Its own rooms, as a change flows through them:

cluster      the API server: raw calls, watching and relisting, Secrets by name, Events, the finalizer
known        the newest version of each object, what a resource says, the keys to reconcile
fleet        the gateways in use: a ModelGateway, its Service and its Secrets become replicas to drive
listing      what the replicas list, read once per resync, and what that says of each resource
families     what tells one kind of resource from another; mcp has what MCP servers need beside that
reconcile    one resource with all that it refers to; a pure table that decides; the acts that do it
running      a workflow run from its first status write to its last, who is next, and going on after a restart
status       what the status says (pure), and the only writer of it
repair       what is put right beside the runs: given back, swept, left on purpose; and how long it took

leadership   who of several operators acts, and until when

metrics      what Prometheus is told
tracing      what OpenTelemetry is told, where it is asked for
rounds       what is done now and then
clock        time and ids, as an argument
wiring       all parts of what acts, made and handed to those that need them; parts lists them
operator     all of what acts, started and stopped
reign        standing by and leading in turn: an operator for each mandate
process      the process around them, told to stop by signals
options      how it is to run
"""
