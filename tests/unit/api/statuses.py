"""Statuses as herder writes them at its fullest."""

from datetime import UTC, datetime

from herder.api.conditions import (
    ReachableReason,
    ReadyReason,
    StalledReason,
    Truth,
    merge,
    reachable,
    ready,
    stalled,
)
from herder.api.gateway import (
    Action,
    EntryCounts,
    GatewayReplica,
    GatewayReplicaState,
    ModelGatewayStatus,
    PlannedChange,
)
from herder.api.status import (
    EntryState,
    LastHandled,
    PastRun,
    ReplicaEntry,
    RunStatus,
    Step,
    StepStatus,
    WorkflowRun,
)
from herder.api.worker import DiscoveredWorker, WorkerRegistrationStatus

NOON = datetime(2026, 11, 24, 12, 0, 0, 120_000, tzinfo=UTC)
WORDY = "the replica said: " + "x" * 4096


def failed_worker(*, replicas: int, steps: int, message: str = WORDY) -> WorkerRegistrationStatus:
    """A registration whose every step failed with `message` on a gateway with that many replicas."""
    return WorkerRegistrationStatus(
        observed_generation=1,
        conditions=merge(
            (),
            (ready(Truth.FALSE, ReadyReason.STEP_FAILED, message), stalled(StalledReason.STEP_FAILED, message)),
            NOON,
            1,
        ),
        progress=f"{steps}/{steps} register",
        registered=f"0/{replicas}",
        workflow=WorkflowRun(
            name="worker-registration",
            instance_id="01a20a25-6fdc-7422-91c0-16c6683e40c9",
            generation=1,
            status=RunStatus.FAILED,
            started_at=NOON,
            finished_at=NOON,
            steps=tuple(
                Step(
                    name=f"discover_metadata_{n}",
                    status=StepStatus.FAILED,
                    attempts=3,
                    started_at=NOON,
                    finished_at=NOON,
                    next_retry_at=NOON,
                    reason="Unreachable",
                    message=message,
                )
                for n in range(steps)
            ),
        ),
        replicas=tuple(
            ReplicaEntry(
                endpoint=f"http://10.0.{n // 256}.{n % 256}:30000",
                worker_id="01a20a25-6fdc-7422-91c0-16c6683e40c9",
                state=EntryState.UNREACHABLE,
                spec_hash="f" * 64,
                verified_at=NOON,
            )
            for n in range(replicas)
        ),
        history=tuple(
            PastRun(
                name="worker-registration",
                status=RunStatus.FAILED,
                started_at=NOON,
                finished_at=NOON,
                failed_step="register",
                message=message,
            )
            for _ in range(9)
        ),
        last_handled=LastHandled(retry="1", cancel="2"),
        worker=DiscoveredWorker(
            url="http://10.0.0.7:8000",
            connection_mode="HTTP",
            runtime="SGLang",
            version="0.5.1",
            worker_type="Regular",
            models=tuple(f"meta-llama/Llama-3.3-70B-Instruct-{n}" for n in range(100)),
            context_length=131072,
            dp_size=2,
        ),
        model="meta-llama/Llama-3.3-70B-Instruct-0",
    )


def full_gateway(*, replicas: int) -> ModelGatewayStatus:
    """A gateway with that many replicas, much to be done on them, and long messages."""
    address = "http://[fd00:1234:5678:9abc:def0:1234:5678:{:x}]:30000".format
    answering = reachable(Truth.FALSE, ReachableReason.SOME_REPLICAS, WORDY)
    said = (
        ready(Truth.FALSE, ReadyReason.GATEWAY_REFUSES, WORDY),
        stalled(StalledReason.GATEWAY_REFUSES, WORDY),
        answering,
    )
    many = 10_000
    return ModelGatewayStatus(
        observed_generation=1,
        conditions=merge((), said, NOON, 1),
        ready=f"{replicas}/{replicas}",
        replicas=tuple(
            GatewayReplica(
                endpoint=address(n + 0x1000),
                state=GatewayReplicaState.UNREACHABLE,
                workers=many,
                registered=many,
                foreign=many,
                drifted=many,
                orphaned=many,
                verified_at=NOON,
            )
            for n in range(replicas)
        ),
        entries=EntryCounts(declared=many * replicas, registered=many, foreign=many, drifted=many, orphaned=many),
        planned=many,
        plan=tuple(
            PlannedChange(endpoint=address(n), action=Action.REGISTER, kind="WorkerRegistration", name="x" * 253)
            for n in range(200)
        ),
    )


def reachable_gateway() -> ModelGatewayStatus:
    """A gateway whose two replicas answer."""
    return ModelGatewayStatus(
        observed_generation=1,
        conditions=merge((), (ready(Truth.TRUE, ReadyReason.REACHABLE, "2 of 2 replicas answer"),), NOON, 1),
        ready="2/2",
        registered="5/6",
        entries=EntryCounts(declared=6, registered=5, drifted=1),
        replicas=tuple(
            GatewayReplica(endpoint=f"http://10.0.0.{n}:30000", state=GatewayReplicaState.REACHABLE, workers=3)
            for n in (1, 2)
        ),
    )
