"""What a collector of traces gets, by OpenTelemetry's own protocol: a run is a trace, a step a span in it."""

import asyncio
import builtins
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from herder.controller.known.objects import Key
from herder.controller.running.line import Turn
from herder.controller.running.listening import Ending
from herder.controller.running.restore import fresh_state
from herder.controller.running.runs import Run
from herder.controller.tracing.identity import identity_of
from herder.controller.tracing.settings import CannotTrace, is_asked_for, traced
from herder.controller.tracing.spans import RunTraces
from herder.engine import (
    StepFailed,
    StepRetrying,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    WorkflowDefinition,
    WorkflowOutcome,
    WorkflowStatus,
)
from rig.ports import HOST
from rig.traces import Collector, SentSpan
from unit.controller.office import GATEWAY

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
SECRET: Final = "canary-51f0"
RUN_ID: Final = "worker-registration-1"


def a_run(instance_id: str = RUN_ID, uid: str = "uid-1") -> Run:
    """A run that nobody drives."""
    definition: WorkflowDefinition[Any] = WorkflowDefinition(id="worker-registration", steps=())
    return Run(
        key=Key("WorkerRegistration", "ns", "a"),
        uid=uid,
        inputs="",
        definition=definition,
        state=fresh_state(definition, instance_id, None),
        render=lambda _run, _body: {},
        left_as=lambda _run, _body: (_ for _ in ()).throw(NotImplementedError),
        render_end=lambda _run, _body, _outcome: {},
        place="http://a",
        problems={},
    )


@asynccontextmanager
async def listening(collector: Collector, patch: pytest.MonkeyPatch, **variables: str) -> AsyncIterator[RunTraces]:
    """Send to the collector what the block tells, all of it by its end."""
    environment = {ENDPOINT: collector.url, **variables}
    for name, value in environment.items():
        patch.setenv(name, value)
    async with traced(environment, lambda text: text.replace(SECRET, "***")) as (listener,):
        assert isinstance(listener, RunTraces)
        yield listener


def named(collector: Collector, name: str) -> SentSpan:
    [span] = [span for span in collector.spans if span.name == name]
    return span


async def test_a_run_is_a_trace_and_each_of_its_steps_a_span_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run()
    with Collector() as collector:
        async with listening(collector, monkeypatch) as traces:
            traces.begun(run, Turn(GATEWAY))
            traces.on_step(run, StepStarted(RUN_ID, "detect", 1))
            traces.on_step(run, StepSucceeded(RUN_ID, "detect", 0.1))
            traces.on_step(run, StepSkipped(RUN_ID, "discover"))
            traces.on_step(run, StepStarted(RUN_ID, "register", 1))
            traces.on_step(run, StepSucceeded(RUN_ID, "register", 0.1))
            traces.over(run, Ending.COMPLETED)

    root, detect = named(collector, "worker-registration"), named(collector, "detect")
    assert {span.trace_id for span in collector.spans} == {f"{identity_of('uid-1', RUN_ID).trace_id:032x}"}
    assert (root.parent_id, detect.parent_id) == ("", root.span_id)
    assert root.began_ns <= detect.began_ns <= detect.ended_ns <= root.ended_ns
    assert root.service == "herder"
    assert root.attributes == {
        "herder.kind": "WorkerRegistration",
        "herder.namespace": "ns",
        "herder.name": "a",
        "herder.workflow": "worker-registration",
        "herder.instance": RUN_ID,
        "herder.gateway": "gw",
        "herder.outcome": "Completed",
    }
    assert detect.attributes == {**root.attributes, "herder.step": "detect", "herder.outcome": "Succeeded"}
    assert sorted(span.name for span in collector.spans) == ["detect", "register", "worker-registration"]


async def test_a_steps_attempts_are_events_of_its_span_and_no_secret_is_in_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = a_run()
    run.outcome = WorkflowOutcome(WorkflowStatus.FAILED, "detect", f"no luck with {SECRET}")
    with Collector() as collector:
        async with listening(collector, monkeypatch) as traces:
            traces.begun(run, Turn(GATEWAY))
            traces.on_step(run, StepStarted(RUN_ID, "detect", 1))
            traces.on_step(run, StepRetrying(RUN_ID, "detect", 2, 0.5, f"refused {SECRET}"))
            traces.on_step(run, StepStarted(RUN_ID, "detect", 2))
            traces.on_step(run, StepFailed(RUN_ID, "detect", f"refused {SECRET}"))
            traces.over(run, Ending.FAILED)

    root, detect = named(collector, "worker-registration"), named(collector, "detect")
    assert detect.events == [
        ("attempt", {"herder.attempt": 1}),
        ("retry", {"herder.attempt": 2, "herder.delay_s": 0.5, "exception.message": "refused ***"}),
        ("attempt", {"herder.attempt": 2}),
    ]
    assert (detect.error, root.error) == ("refused ***", "no luck with ***")
    assert SECRET.encode() not in b"".join(collector.bodies)


async def test_a_run_that_another_process_goes_on_with_stays_one_trace_with_one_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Collector() as collector:
        async with listening(collector, monkeypatch) as traces:
            run = a_run()
            traces.begun(run, Turn(GATEWAY))
            traces.on_step(run, StepStarted(RUN_ID, "register", 1))
            traces.over(run, Ending.LEFT)
        async with listening(collector, monkeypatch) as traces:
            run = a_run()
            traces.begun(run, Turn(GATEWAY))
            traces.on_step(run, StepStarted(RUN_ID, "register", 2))
            traces.on_step(run, StepSucceeded(RUN_ID, "register", 0.1))
            traces.over(run, Ending.COMPLETED)

    root = named(collector, "worker-registration")
    steps = [span for span in collector.spans if span.name == "register"]
    assert [span.attributes["herder.outcome"] for span in steps] == ["Left", "Succeeded"]
    assert {(span.trace_id, span.parent_id) for span in steps} == {(root.trace_id, root.span_id)}


async def test_two_runs_are_two_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = a_run("worker-registration-1"), a_run("worker-registration-2")
    with Collector() as collector:
        async with listening(collector, monkeypatch) as traces:
            for run in (first, second):
                traces.begun(run, Turn(GATEWAY))
                traces.over(run, Ending.COMPLETED)

    assert len({span.trace_id for span in collector.spans}) == 2
    assert len({span.span_id for span in collector.spans}) == 2


async def test_what_is_not_sampled_is_not_sent_not_in_parts_either(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run()
    with Collector() as collector:
        none = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
        async with listening(collector, monkeypatch, **none) as traces:
            traces.begun(run, Turn(GATEWAY))
            traces.on_step(run, StepStarted(RUN_ID, "detect", 1))
            traces.on_step(run, StepSucceeded(RUN_ID, "detect", 0.1))
            traces.over(run, Ending.COMPLETED)

    assert collector.spans == []


async def test_a_collector_that_does_not_answer_holds_up_the_end_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("herder.controller.tracing.spans._FLUSH_WITHIN_S", 0.2)
    with socket.socket() as mute:  # the kernel takes connections for it, and nobody answers
        mute.bind((HOST, 0))
        mute.listen()
        environment = {ENDPOINT: f"http://{HOST}:{mute.getsockname()[1]}", "OTEL_EXPORTER_OTLP_TIMEOUT": "30"}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

        async with asyncio.timeout(20):
            async with traced(environment, str) as (listener,):
                run = a_run()
                listener.begun(run, Turn(GATEWAY))
                listener.over(run, Ending.COMPLETED)


ASKED: Final[list[tuple[str, Mapping[str, str], bool]]] = [
    ("nothing is said", {}, False),
    ("an endpoint", {ENDPOINT: "http://c:4318"}, True),
    ("one for traces only", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
    ("an empty one", {ENDPOINT: ""}, False),
    ("switched off", {ENDPOINT: "http://c:4318", "OTEL_SDK_DISABLED": "true"}, False),
    ("no traces", {ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
]


@pytest.mark.parametrize(("environment", "expected"), [case[1:] for case in ASKED], ids=[case[0] for case in ASKED])
def test_traces_are_sent_where_the_variables_ask_for_them(environment: Mapping[str, str], expected: bool) -> None:
    assert is_asked_for(environment) is expected


def test_another_protocol_is_refused_and_not_ignored() -> None:
    with pytest.raises(CannotTrace, match="http/protobuf only, not by grpc"):
        is_asked_for({ENDPOINT: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


async def test_without_the_extra_it_is_said_which_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.startswith("herder.controller.tracing.spans"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CannotTrace, match=r"herder\[otel\]"):
        async with traced({ENDPOINT: "http://c:4318"}, str):
            pass


def test_where_traces_are_off_nothing_of_the_sdk_is_imported() -> None:
    program = "import herder.controller.process, sys; print('opentelemetry.sdk' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
