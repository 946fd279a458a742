"""What was found out about a worker, as a status shows it and as a run begins with it."""

from typing import Final

from herder.api.worker import ConnectionMode, DiscoveredWorker, Runtime
from herder.workflows.facts import Facts
from herder.workflows.plan import Plan

_RUNTIMES: Final = {runtime.lower(): runtime.value for runtime in Runtime} | {"generic": "Generic"}
_MODES: Final = {mode.lower(): mode.value for mode in ConnectionMode}


def worker_of(plan: Plan, facts: Facts) -> DiscoveredWorker:
    """Return what is shown of the worker, in the words of the spec."""
    return DiscoveredWorker(
        url=plan.url,
        connection_mode=_MODES.get(facts.connection_mode or ""),
        runtime=_RUNTIMES.get(facts.runtime or ""),
        version=facts.version,
        worker_type=plan.spec.worker_type.value,
        models=facts.models,
        context_length=facts.context_length,
        dp_size=facts.dp_size,
    )


def facts_of(worker: DiscoveredWorker | None) -> Facts:
    """Return what was found out about the worker."""
    if worker is None:
        return Facts()
    return Facts(
        connection_mode=worker.connection_mode.lower() if worker.connection_mode else None,
        runtime=worker.runtime.lower() if worker.runtime else None,
        version=worker.version,
        models=worker.models,
        context_length=worker.context_length,
        dp_size=worker.dp_size,
    )
