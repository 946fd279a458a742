"""What Prometheus is told, and how it is asked for.

catalog      every metric: its name, its labels, what it says; docs/metrics.md is made from it
registry     the metrics of one operator, and what counts them
gauges       what is read off the living objects when somebody asks
runs, calls  what counts workflow runs, and calls on the API server and on gateways
serving      GET /metrics
page         docs/metrics.md

No label holds a URL, a secret, a message or anything else that a user writes but names. Series with an object's name go
with the object; all others have labels out of fixed sets, so that ten thousand resources cost no more than ten.
"""
