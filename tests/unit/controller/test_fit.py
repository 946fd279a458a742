"""How large the status of each kind can become: everything that it shows as long as it can be."""

import operator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herder.api.base import parse
from herder.api.conditions import Condition, ConditionType, Truth
from herder.api.mcp import MAX_TOOLS, McpServerStatus, PublishedServer
from herder.api.status import (
    MAX_HISTORY,
    MAX_REPLICAS,
    MAX_STEPS,
    Draining,
    EntryState,
    LastHandled,
    PastRun,
    ReplicaEntry,
    RunStatus,
    Step,
    StepStatus,
    WorkflowRun,
    WorkflowStatus,
)
from herder.api.tokenizer import LoadedTokenizer, TokenizerStatus
from herder.api.wasm import RegisteredModule, WasmModuleStatus
from herder.api.worker import MAX_FORMER, MAX_MODELS, DiscoveredWorker, WorkerRegistrationStatus
from herder.controller.families import FAMILIES
from herder.controller.status.fit import BUDGET, fitted, size_of
from herder.engine import WorkflowDefinition
from herder.workflows import mcp, tokenizer, wasm
from herder.workflows.entry import entries_of
from herder.workflows.registration import registration
from unit.engine.kit import EPOCH

LONG = "ö" * 5000
ID = "00000000-0000-4000-8000-000000000007"
HASH = f"{'0' * 16}-{'0' * 16}"

SHOWN: dict[str, WorkflowStatus] = {
    "WorkerRegistration": WorkerRegistrationStatus(
        worker=DiscoveredWorker(url=f"http://{'w' * 250}", models=(LONG,) * MAX_MODELS, version=LONG, runtime=LONG)
    ),
    "WasmModule": WasmModuleStatus(module=RegisteredModule(name=LONG, sha256="0" * 64)),
    "Tokenizer": TokenizerStatus(tokenizer=LoadedTokenizer(name=LONG, source="s" * 1024)),
    "McpServer": McpServerStatus(
        server=parse(
            PublishedServer,
            {
                "name": LONG,
                "url": f"http://{'s' * 250}",
                "server": LONG,
                "tools": [{"name": f"{n:03d}{LONG}", "description": LONG} for n in range(MAX_TOOLS)],
            },
        )
    ),
}
STEPS: dict[str, WorkflowDefinition[Any]] = {
    "WorkerRegistration": registration(60),
    "WasmModule": wasm.registration(),
    "Tokenizer": tokenizer.registration(60),
    "McpServer": mcp.registration(is_required=True),
}


def worst(kind: str, replicas: int, endpoint_chars: int) -> dict[str, Any]:
    """The longest status of a kind."""
    steps = tuple(
        Step(
            name=step.id,
            status=StepStatus.RETRYING,
            attempts=10_000,
            started_at=EPOCH,
            finished_at=EPOCH,
            next_retry_at=EPOCH,
            reason=LONG,
            message=LONG,
        )
        for step in STEPS[kind].steps
    )
    conditions = tuple(
        Condition(
            type=each,
            status=Truth.UNKNOWN,
            observed_generation=10_000,
            last_transition_time=EPOCH,
            reason="A" * 64,
            message=LONG,
        )
        for each in ConditionType
    )
    past = PastRun(
        name=LONG, status=RunStatus.COMPLETED, started_at=EPOCH, finished_at=EPOCH, failed_step=LONG, message=LONG
    )
    rows = tuple(
        ReplicaEntry(
            endpoint=f"http://{number:04d}".ljust(endpoint_chars, "e"),
            worker_id=ID,
            state=EntryState.UNREACHABLE,
            spec_hash=HASH,
            verified_at=EPOCH,
        )
        for number in range(replicas)
    )
    return (
        SHOWN[kind]
        .model_copy(
            update={
                "observed_generation": 10_000,
                "conditions": conditions,
                "progress": "p" * 128,
                "registered": "r" * 32,
                "gateway": "g" * 253,
                "drain": Draining(started_at=EPOCH, deadline=EPOCH, in_flight=10_000),
                "last_handled": LastHandled(retry="t" * 256, cancel="t" * 256),
                "history": (past,) * MAX_HISTORY,
                "replicas": rows,
                "workflow": WorkflowRun(
                    name="n" * 64,
                    instance_id="i" * 128,
                    generation=10_000,
                    inputs="i" * 128,
                    status=RunStatus.COMPLETED,
                    started_at=EPOCH,
                    finished_at=EPOCH,
                    steps=steps,
                ),
            }
        )
        .dump()
    )


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize(("replicas", "endpoint_chars"), [(200, 64), (MAX_REPLICAS, 64)], ids=str)
def test_the_longest_status_of_each_kind_is_below_64_kib(kind: str, replicas: int, endpoint_chars: int) -> None:
    status = worst(kind, replicas, endpoint_chars)

    assert size_of(status) > 64 * 1024
    assert size_of(fitted(status)) <= 64 * 1024


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_read_back_of_a_status_is_never_cut(kind: str) -> None:
    status = worst(kind, MAX_REPLICAS, 64)
    model = FAMILIES[kind].status

    cut = parse(model, fitted(status), at="status")

    known = {e: (entry.worker_id, entry.state, entry.spec_hash) for e, entry in entries_of(cut.replicas).items()}
    assert known == {
        row["endpoint"]: (row["workerId"], EntryState(row["state"]), row["specHash"]) for row in status["replicas"]
    }
    assert FAMILIES[kind].registered_as(cut) == FAMILIES[kind].registered_as(SHOWN[kind])


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_cut_stays_as_it_is_when_it_is_written_again(kind: str) -> None:
    once = fitted(worst(kind, MAX_REPLICAS, 64))

    again = fitted(parse(FAMILIES[kind].status, once, at="status").dump())

    assert again == once


@pytest.mark.parametrize("state", [EntryState.READY, EntryState.PENDING], ids=str)
def test_what_a_worker_was_before_is_cut_before_what_it_is(state: EntryState) -> None:
    rows = worst("WorkerRegistration", MAX_REPLICAS, 64)["replicas"]
    was = [{**row, "state": state.value} for row in rows]
    urls = [f"http://former-{number}" for number in range(MAX_FORMER)]
    status = {"replicas": rows, "former": [{"url": url, "replicas": was} for url in urls]}

    cut = fitted(status)

    assert size_of(cut) <= BUDGET
    assert [each["url"] for each in cut["former"]] == urls
    assert len(cut["replicas"]) == MAX_REPLICAS


AWKWARD = ("e", "ö", "\U0001f642", '"', "\\", "\n", "\x00")
"""Characters of one to six bytes each in JSON."""


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(FAMILIES)),
    url_chars=st.lists(st.integers(16, 2048), max_size=MAX_REPLICAS),
    repeats=st.integers(1, MAX_REPLICAS),
    error=st.builds(operator.mul, st.sampled_from(AWKWARD), st.integers(0, 4096)),
    steps=st.integers(0, MAX_STEPS),
    shown=st.booleans(),
)
def test_whatever_a_status_says_it_fits_and_the_crd_takes_it(
    kind: str, url_chars: list[int], repeats: int, error: str, steps: int, shown: bool
) -> None:
    rows = [
        {"endpoint": f"http://{number:04d}".ljust(chars, "e"), "workerId": ID, "state": "Unreachable", "specHash": HASH}
        for number, chars in enumerate((url_chars * repeats)[:MAX_REPLICAS])
    ]
    said = {"type": "Ready", "status": "False", "reason": "StepFailed", "message": error, "observedGeneration": 1}
    run = {"name": "w", "instanceId": "i", "generation": 1, "status": "Failed"}
    failed = [
        {"name": f"step-{number}", "status": "Failed", "reason": "R", "message": error} for number in range(steps)
    ]
    status = {
        **(SHOWN[kind].dump() if shown else {}),
        "conditions": [{**said, "lastTransitionTime": EPOCH}],
        "workflow": {**run, "steps": failed},
        "replicas": rows,
        "history": [{"name": "w", "status": "Failed", "message": error}] * MAX_HISTORY,
    }
    model = FAMILIES[kind].status

    cut = fitted(parse(model, status, at="status").dump())

    assert size_of(cut) <= 64 * 1024
    assert parse(model, cut, at="status", unknown="forbid").dump() == cut


def test_a_small_status_is_left_alone() -> None:
    status = SHOWN["WasmModule"].dump()

    assert size_of(status) < BUDGET
    assert fitted(status) is status
