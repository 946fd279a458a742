"""Kubernetes: watching the resources, deciding what to do about them, writing what has come of it.

The only room that says kopf or kubernetes_asyncio. A change flows from the top to the bottom:

watch, relist      objects as they come, and those whose going was not told
objects, queue     the newest version of each; the keys to reconcile
modelgateways, gatewaystatus, gateways, views, registries   the gateways in use and what their replicas list
services, slices   the replicas behind a Service
families, jobs     what tells one kind of resource from another, and the workflows that each has
subject, scene, scout, memory    one resource with all that it refers to, and what is remembered of it
reconciler, world, decide        what to do about it: a pure table
acts, finalizer, farewells       doing it
launch, runs, places, line       a workflow run from its first status write to its last, and who is next
giveback           what a replica that lost everything is given without a run
census, heals, metrics           what is counted over all resources, and what Prometheus is told
observe, observation, claims, project, portrait   what the status says
writer, wishes, fit, diff, recorder   the only writer of statuses; Events on state changes
sweep, leftovers, orphans        entries that nobody declares any more, and those that are left on purpose
rounds             what is done now and then
failpoints         where tests have the process killed
restore            from a status back to what is known
mcp                what MCP servers need beside all that
kube, secrets, credentials, rotation    the API server, and Secrets whose content changes
clock              time and ids, as an argument
operator           all of it, started and stopped
"""
