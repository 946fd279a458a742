"""A workflow engine for any asyncio program: DAGs of async steps, with retry, conditions, schedules and events.

    import asyncio
    from herder.engine import StepDefinition, WorkflowContext, WorkflowDefinition, WorkflowEngine

    async def fetch(context: WorkflowContext[dict[str, int]]) -> None:
        context.data["fetched"] = 42

    async def store(context: WorkflowContext[dict[str, int]]) -> None:
        context.data["stored"] = context.data["fetched"]

    async def main() -> None:
        engine = WorkflowEngine()
        steps = [StepDefinition("fetch", fetch), StepDefinition("store", store, depends_on=["fetch"])]
        engine.register_workflow(WorkflowDefinition("copy", steps))
        outcome = await engine.start_and_wait("copy", {}, timeout=5)
        print(outcome.status)

    asyncio.run(main())

It imports nothing else of herder, and of other people's work only tenacity (retry strategies) and structlog. Its words
are those of the Rust crate `wfaas`, its ancestor.

| file | idea |
|---|---|
| status | the two state machines: each kind of move is a table |
| step, definition, policy | how a workflow is written down |
| context, errors | what a step is given, and what the engine raises |
| plan | a definition made ready to run |
| decide, verdict | what starts next, what follows an attempt, how a standstill ends: pure functions |
| changes | what can happen to an instance: its effect on the state, and its event |
| journal | the one place that makes changes |
| flow | what happens to the steps; it neither waits nor writes |
| errand, cancelling | the tasks under way: results, timeouts, stopping |
| run | one instance from start to end, in rounds |
| slot | who waits for the end |
| engine, ports, cleanup, ids | the way in, and what it is plugged into |
| events, bus, log | who hears of what, and how |
| store, memory, recent, state, resume | what is remembered |
| diagrams | the tables as pictures |
"""

from herder.engine.bus import EventBus, Subscriber
from herder.engine.context import WorkflowContext
from herder.engine.definition import WorkflowDefinition
from herder.engine.engine import WorkflowEngine
from herder.engine.errors import (
    DefinitionError,
    DependencyCycleError,
    DuplicateStepError,
    EngineShutDownError,
    MissingDependencyError,
    StepTimeoutError,
    UnknownInstanceError,
    UnknownWorkflowError,
    WaitTimeoutError,
    WorkflowError,
)
from herder.engine.events import (
    Event,
    StepEvent,
    StepFailed,
    StepRetrying,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowStarted,
    WorkflowUnpaused,
)
from herder.engine.log import LoggingSubscriber
from herder.engine.memory import InMemoryStateStore
from herder.engine.policy import (
    Backoff,
    ExponentialBackoff,
    FailureAction,
    FixedBackoff,
    LinearBackoff,
    RetryPolicy,
)
from herder.engine.state import StepState, WorkflowOutcome, WorkflowState
from herder.engine.status import STEP_ENDED, STEP_MOVES, WORKFLOW_ENDED, WORKFLOW_MOVES, StepStatus, WorkflowStatus
from herder.engine.step import StepDefinition, StepExecutor, StepResult
from herder.engine.store import StateStore

__all__ = [
    "STEP_ENDED",
    "STEP_MOVES",
    "WORKFLOW_ENDED",
    "WORKFLOW_MOVES",
    "Backoff",
    "DefinitionError",
    "DependencyCycleError",
    "DuplicateStepError",
    "EngineShutDownError",
    "Event",
    "EventBus",
    "ExponentialBackoff",
    "FailureAction",
    "FixedBackoff",
    "InMemoryStateStore",
    "LinearBackoff",
    "LoggingSubscriber",
    "MissingDependencyError",
    "RetryPolicy",
    "StateStore",
    "StepDefinition",
    "StepEvent",
    "StepExecutor",
    "StepFailed",
    "StepResult",
    "StepRetrying",
    "StepSkipped",
    "StepStarted",
    "StepState",
    "StepStatus",
    "StepSucceeded",
    "StepTimeoutError",
    "Subscriber",
    "UnknownInstanceError",
    "UnknownWorkflowError",
    "WaitTimeoutError",
    "WorkflowCancelled",
    "WorkflowCompleted",
    "WorkflowContext",
    "WorkflowDefinition",
    "WorkflowEngine",
    "WorkflowError",
    "WorkflowFailed",
    "WorkflowOutcome",
    "WorkflowPaused",
    "WorkflowStarted",
    "WorkflowState",
    "WorkflowStatus",
    "WorkflowUnpaused",
]
