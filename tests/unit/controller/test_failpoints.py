"""Failpoints: the moment at which the process kills itself, and that there is none without one."""

import os
import signal
from typing import Any

import pytest

from herder.controller.options import Options
from herder.controller.running.failpoints import END, START, Failpoint, Moment, Tripwire
from herder.engine import StepDefinition, WorkflowDefinition
from herder.workflows.registration import registration
from herder.workflows.removal import removal
from unit.controller.office import Office, working
from unit.engine.kit import virtual_time

REGISTRATION = "worker-registration"


@pytest.mark.parametrize("text", ["worker-registration/register:before#1", "worker-removal/end:written#12"])
def test_a_failpoint_reads_as_it_is_written(text: str) -> None:
    assert str(Failpoint.parse(text)) == text


@pytest.mark.parametrize("text", ["", "register", "w/s", "w/s:during", "w/s:before#0", "w/s:before#", "w/s:before "])
def test_what_is_no_failpoint_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ValueError, match="WORKFLOW/STEP:before"):
        Failpoint.parse(text)


def test_without_one_a_definition_stays_as_it_is() -> None:
    definition = registration(60)

    assert Tripwire().around(definition) is definition
    assert Tripwire(Failpoint("worker-removal", "find", Moment.BEFORE)).around(definition) is definition


def test_only_the_step_that_it_names_is_wrapped() -> None:
    definition = removal(60)

    wired = Tripwire(Failpoint("worker-removal", "drain", Moment.BEFORE)).around(definition)

    changed = [new.id for old, new in zip(definition.steps, wired.steps, strict=True) if old.run is not new.run]
    assert changed == ["drain"]


def test_the_second_time_is_not_the_first_and_nothing_comes_after_it() -> None:
    killed: list[str] = []
    wire = Tripwire(Failpoint("w", "s", Moment.AFTER, 2), die=lambda: killed.append("killed"))

    counts = []
    for _ in range(3):
        wire.reach("w", "s", Moment.AFTER)
        counts.append(len(killed))

    assert counts == [0, 1, 1]


MOMENTS: dict[str, tuple[str, list[int], str | None, str | None]] = {
    # failpoint: POSTs on each replica by then, what the status says of the run, and of the step
    "start:before": ("start:before", [0, 0], None, None),
    "start:written": ("start:written", [0, 0], "Running", None),
    "step before": ("register:before", [0, 0], "Running", "Pending"),
    "step after": ("register:after", [1, 1], "Running", "Pending"),
    "step written": ("register:written", [1, 1], "Running", "Succeeded"),
    "end:before": ("end:before", [1, 1], "Running", "Pending"),
    "end:written": ("end:written", [1, 1], "Completed", "Succeeded"),
}


@pytest.mark.parametrize(("place", "posts", "run", "step"), MOMENTS.values(), ids=MOMENTS)
def test_the_process_is_killed_at_the_moment_that_is_named(
    place: str, posts: list[int], run: str | None, step: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[int], str | None, str | None]] = []

    def look(office: Office, key: Any) -> None:
        workflow = office.kube.status(key).get("workflow", {})
        steps = {each["name"]: each["status"] for each in workflow.get("steps", ())}
        sent = [replica.count("add_worker") for replica in office.replicas.values()]
        seen.append((sent, workflow.get("status"), steps.get("register") if step else None))

    @virtual_time
    async def go() -> None:
        options = Options(failpoint=Failpoint.parse(f"{REGISTRATION}/{place}"))
        async with working(options) as office:
            key = office.worker()

            def kill(pid: int, number: int) -> None:
                assert (pid, number) == (os.getpid(), signal.SIGKILL)
                look(office, key)

            with monkeypatch.context() as patch:
                patch.setattr(os, "kill", kill)
                await office.registered(key)

    go()

    assert seen == [(posts, run, step)]


@pytest.mark.parametrize("definition", [registration(60), removal(60)], ids=lambda definition: definition.name)
def test_no_step_is_called_as_an_end_of_a_run_is(definition: WorkflowDefinition[Any]) -> None:
    steps: tuple[StepDefinition[Any], ...] = tuple(definition.steps)

    assert not {START, END} & {step.id for step in steps}
