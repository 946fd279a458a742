"""Kubernetes: watching the resources, deciding what to do about them, writing what has come of it.

The only room that says kopf or kubernetes_asyncio. Its own rooms, of which each knows only those below it:

process      the process around all of it, told to stop by signals
reign        standing by and leading in turn: an operator for each mandate
wiring       all parts of what acts, made and handed to those that need them; parts lists them
operator     all of what acts, started and stopped
metrics      what Prometheus is told
tracing      what OpenTelemetry is told, where it is asked for
options      how it is to run
reconcile    one resource at a time: a scout that looks it up, a pure table that decides, the acts that do it
repair       what is put right beside the runs: given back, swept, left on purpose
running      a workflow run from its first status write to its last, who is next, and going on after a restart
mcp          the files of MCP servers, and eyes on these
scene        one resource with all that it refers to, and what the lists say of it
fleet        the gateways in use: a ModelGateway, its Service and its Secrets become replicas to drive
status       what people are told: the status (pure, and its only writer) and the Events
leadership   who of several operators acts, and until when
watch        how what is known is kept up
known        the newest version of each object, what a resource says, the keys to reconcile
families     what tells one kind of resource from another
listing      what the replicas list, read once per resync
rounds       what is done now and then
cluster      the API server: raw calls and what may go wrong in them, credentials, Secrets by name
clock        time and ids, as an argument

"""
