"""Counts workflow runs, their steps and the attempts of these, as the runs tell of themselves."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from herder.controller.metrics import catalog
from herder.controller.running.line import Turn
from herder.controller.running.listening import Ending
from herder.controller.running.runs import Run
from herder.engine import StepEvent, StepFailed, StepRetrying, StepSkipped, StepStarted, StepStatus, StepSucceeded

_OUTCOMES: Final = {
    StepSucceeded: StepStatus.SUCCEEDED,
    StepFailed: StepStatus.FAILED,
    StepSkipped: StepStatus.SKIPPED,
    StepRetrying: StepStatus.RETRYING,
}
_WORKFLOWS: Final = (
    *("worker-registration", "worker-update", "worker-move", "worker-removal"),
    *("wasm-registration", "wasm-removal", "tokenizer-registration", "tokenizer-removal"),
    *("mcp-registration", "mcp-removal"),
)
_ENDINGS: Final = tuple(ending for ending in Ending if ending is not Ending.LEFT)


@dataclass(slots=True)
class _Live:
    """A run in progress: when it began in this process, and when each step did that has not ended (monotonic)."""

    workflow: str
    since_s: float
    steps: dict[str, float] = field(default_factory=dict)


class RunMetrics:
    """Listens to the runs. `clock` returns monotonic seconds."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._live: dict[str, _Live] = {}
        runs, run_duration = catalog.RUNS.made(registry), catalog.RUN_DURATION.made(registry)
        attempts, step_duration = catalog.STEP_ATTEMPTS.made(registry), catalog.STEP_DURATION.made(registry)

        # Prometheus sees no increase where a series begins: of many that fail at once none would count
        for workflow in _WORKFLOWS:
            for ending in _ENDINGS:
                runs.labels(workflow, ending)

        # prometheus_client looks a series up anew, under a lock, each time that it is asked for it by its labels
        @cache
        def of_run(workflow: str, outcome: str) -> tuple[Counter, Histogram]:
            return runs.labels(workflow, outcome), run_duration.labels(workflow, outcome)

        @cache
        def of_attempt(workflow: str, step: str, outcome: str) -> Counter:
            return attempts.labels(workflow, step, outcome)

        @cache
        def of_step(workflow: str, step: str, outcome: str) -> Histogram:
            return step_duration.labels(workflow, step, outcome)

        self._of_run, self._of_attempt, self._of_step = of_run, of_attempt, of_step

    def begun(self, run: Run, _turn: Turn) -> None:
        """Take note of a run that begins, or goes on, in this process."""
        self._live[run.state.instance_id] = _Live(run.name, self._clock())

    def on_step(self, run: Run, event: StepEvent) -> None:
        """Count what a step tells."""
        live = self._live.get(event.instance_id)
        if live is None:
            return
        if isinstance(event, StepStarted):
            live.steps.setdefault(event.step_id, self._clock())
            return
        outcome = _OUTCOMES[type(event)]
        self._of_attempt(run.name, event.step_id, outcome).inc()
        if outcome is not StepStatus.RETRYING:
            now_s = self._clock()
            self._of_step(run.name, event.step_id, outcome).observe(now_s - live.steps.pop(event.step_id, now_s))

    def over(self, run: Run, ending: Ending) -> None:
        """Count a run that is over here, once."""
        live = self._live.pop(run.state.instance_id, None)
        if live is None or ending is Ending.LEFT:
            return
        count, duration = self._of_run(live.workflow, ending)
        count.inc()
        duration.observe(self._clock() - live.since_s)
