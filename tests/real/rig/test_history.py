"""The rules that a recorded history is judged by: each is broken once."""

from typing import Any

import pytest

from rig.history import Version, faults_of

SINCE = "2026-01-01T00:00:00Z"


def version(
    ready: tuple[str, str] = ("True", "Registered"),
    beside: str = "",
    *,
    generation: int = 1,
    observed: int | None = None,
    run: str = "Completed",
    annotations: dict[str, str] | None = None,
    replicas: tuple[tuple[str, str], ...] = (("http://a", "Ready"),),
) -> Version:
    """An object as a watch shows it; `beside` is the condition that is there with Ready."""
    seen = generation if observed is None else observed

    def condition(kind: str, status: str, reason: str) -> dict[str, Any]:
        said = {"type": kind, "status": status, "reason": reason, "message": "said"}
        return {**said, "observedGeneration": seen, "lastTransitionTime": SINCE}

    conditions = [condition("Ready", *ready), *([condition(beside, "True", ready[1])] if beside else ())]
    return {
        "kind": "Tokenizer",
        "metadata": {"name": "r", "generation": generation, "annotations": annotations},
        "status": {
            "observedGeneration": seen,
            "conditions": conditions,
            "workflow": {"instanceId": "i-1", "status": run},
            "replicas": [{"endpoint": endpoint, "state": state} for endpoint, state in replicas],
        },
    }


DONE = version()
AT_WORK = version(("False", "Registering"), "Reconciling", run="Running")
FAILED = version(("False", "LoadFailed"), "Stalled", run="Failed")
AGAIN = version(("False", "Registering"), "Reconciling")
SILENT = (("http://a", "Unreachable"),)

HISTORIES: dict[str, tuple[list[Version], int, list[str]]] = {
    "it ends": ([AT_WORK, DONE], 0, []),
    "it ends in each generation": ([DONE, version(("False", "LoadFailed"), "Stalled", generation=2)], 0, []),
    "an end is taken back": ([DONE, AGAIN, DONE], 0, ["was taken back 1 times, for 0 drifts"]),
    "an end is taken back for a drift": ([DONE, AGAIN, DONE], 1, []),
    "two ends": ([FAILED, version(run="Failed")], 0, ["was taken back 1 times"]),
    "an end is taken back as asked": (
        [DONE, version(("False", "Registering"), "Reconciling", annotations={"a": "b"})],
        0,
        [],
    ),
    "a replica goes silent": (
        [DONE, version(("Unknown", "GatewayUnreachable"), "Reconciling", replicas=SILENT)],
        0,
        [],
    ),
    "a run goes on that has ended": ([DONE, version(run="Running")], 0, ["i-1 was Completed and is Running"]),
    "it says two things at once": ([version(beside="Stalled")], 0, ["Ready is True although Stalled is there"]),
    "it is of a generation to come": ([version(observed=2)], 0, ["is ahead of the object's generation 1"]),
    "it goes back": (
        [version(generation=2), version(("False", "LoadFailed"), "Stalled", generation=2, observed=1)],
        0,
        ["went back to 1"],
    ),
}


@pytest.mark.parametrize(("versions", "drifts", "said"), HISTORIES.values(), ids=HISTORIES)
def test_what_breaks_the_rules_is_said(versions: list[Version], drifts: int, said: list[str]) -> None:
    faults = list(faults_of(versions, drifts))

    assert all(any(each in fault for fault in faults) for each in said)
    assert bool(faults) == bool(said)
