"""What must hold after a kill, whichever step it fell on: one judge for every workflow and kind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from herder.api.base import parse
from herder.api.conditions import Condition
from rig.kstatus import check

_DONE = {"Succeeded", "Skipped"}


@dataclass(frozen=True, slots=True)
class Expected:
    """How it is to end: what each replica lists of the case, exactly; whether the resource is there, and Ready.

    `elsewhere` is what each replica of the other gateway lists.
    """

    listed: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is: the resource's object, None if it is gone, and what each replica lists of the case."""

    body: Mapping[str, Any] | None
    listed: Sequence[Sequence[str]]
    elsewhere: Sequence[Sequence[str]]


def problems(expected: Expected, left: Mapping[str, Any] | None, seen: Seen) -> list[str]:
    """Everything that is not as it must be, a line each. `left` is the object as the killed process left it."""
    found = [f"a replica lists {each}" for each in _others(seen.listed, expected.listed)]
    found += [f"a replica of the other gateway lists {each}" for each in _others(seen.elsewhere, expected.elsewhere)]
    if expected.is_gone:
        return [*found, *([] if seen.body is None else ["the resource is still there"])]
    if seen.body is None:
        return [*found, "the resource is gone"]
    return [*found, *_of_status(seen.body), *repeated(left, seen.body)]


def _others(lists: Sequence[Sequence[str]], expected: Sequence[str]) -> Iterator[list[str]]:
    return (listed for listed in map(sorted, lists) if listed != sorted(expected))


def _of_status(body: Mapping[str, Any]) -> Iterator[str]:
    status, generation = body.get("status", {}), body["metadata"]["generation"]
    conditions = [parse(Condition, each, at="conditions") for each in status.get("conditions", ())]
    ready = next((each for each in conditions if each.type == "Ready"), None)
    if ready is None or ready.status != "True" or ready.observed_generation != generation:
        yield f"it is not Ready: {ready}"
    yield from check(conditions, generation, status.get("observedGeneration"))
    run = status.get("workflow", {})
    if run.get("status") != "Completed":
        yield f"its last run is {run.get('status')}"
    unfinished = [step["name"] for step in run.get("steps", ()) if step["status"] not in _DONE]
    if unfinished:
        yield f"steps that have not ended: {unfinished}"
    troubled = [past for past in status.get("history", ()) if past["status"] != "Completed"]
    if troubled:
        yield f"runs that are said to have come to nothing: {troubled}"


def repeated(left: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Iterator[str]:
    """Name what was done again though the status had said that it was done, and a run that was not gone on with."""
    before, after = _run_of(left), _run_of(now)
    if before.get("status") != "Running":
        return
    if before["instanceId"] != after.get("instanceId"):
        if not any(past["startedAt"] == before["startedAt"] for past in now.get("status", {}).get("history", ())):
            yield "the run that was under way was not gone on with"
        return
    steps = {step["name"]: step for step in after["steps"]}
    for step in before["steps"]:
        if step["status"] in _DONE and steps.get(step["name"]) != step:
            yield f"{step['name']} had ended and was run again"


def _run_of(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    run: Mapping[str, Any] = ((body or {}).get("status") or {}).get("workflow") or {}
    return run
