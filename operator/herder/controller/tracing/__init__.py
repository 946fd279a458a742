"""Traces for whoever collects them by OpenTelemetry: a run is a trace, a step a span with its attempts as events.

settings     whether traces are asked for, by the variables that OpenTelemetry itself defines
identity     the ids of a run's trace: the same in every process that goes on with it
spans        what listens to the runs; alone imports OpenTelemetry, and is imported only where traces are asked for

Attributes hold names. Only messages of errors hold more, which the status shows, too: an address perhaps, but never
credentials; every secret that herder has read is blotted out.
"""
