"""What proves that a holder has ended, and what does not: a table, and the line that is left behind."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herder.controller.leadership.ending import has_ended, holder_name, leave_behind, pod_of

POD, ME = "herder-6c5d-x2x", "herder-6c5d-x2x_0a1b2c3d4e5f"
RUNNING: dict[str, Any] = {"running": {"startedAt": "2030-01-01T00:00:00Z"}}


def ended(message: str | None) -> dict[str, Any]:
    """The state of a container whose last words were these."""
    return {"terminated": {"exitCode": 137} | ({} if message is None else {"message": message})}


def pod(**container: dict[str, Any]) -> dict[str, Any]:
    return {"status": {"phase": "Running", "containerStatuses": [{"name": "herder", **container}]}}


PROOFS = [
    pytest.param(pod(state=ended(ME)), id="it ended, and waits to be run again"),
    pytest.param(pod(state=RUNNING, lastState=ended(ME)), id="its container runs again"),
    pytest.param(pod(state={"waiting": {}}, lastState=ended(ME)), id="its container crashes again and again"),
    pytest.param(
        {"status": {"containerStatuses": [{"name": "sidecar", "state": RUNNING}, {"state": ended(ME)}]}},
        id="a container beside it goes on",
    ),
    pytest.param({**pod(state=ended(ME)), "metadata": {"deletionTimestamp": "now"}}, id="its pod is about to go"),
]
NO_PROOFS = [
    pytest.param(pod(state=RUNNING), id="it runs"),
    pytest.param(pod(state={"waiting": {"reason": "ContainerCreating"}}), id="it does not run yet"),
    pytest.param(pod(state=ended(f"{POD}_another")), id="another process of its pod ended"),
    pytest.param(pod(state=RUNNING, lastState=ended(f"{POD}_another")), id="the process before it ended"),
    pytest.param(pod(state=ended(None)), id="it ended, nobody says which: ContainerStatusUnknown"),
    pytest.param(pod(state=ended("")), id="it ended without a word"),
    pytest.param(pod(state=ended(f"{ME}0")), id="a longer name"),
    pytest.param(pod(state=ended(f"panic: {ME}")), id="a word about it"),
    pytest.param(pod(state=RUNNING | {"message": ME}), id="its name elsewhere"),
    pytest.param({"status": {"phase": "Failed", "reason": "NodeLost"}}, id="its node is lost"),
    pytest.param({"status": {"phase": "Failed", "message": ME}}, id="its pod failed"),
    pytest.param({"status": {"phase": "Succeeded"}}, id="its pod is through"),
    pytest.param({"metadata": {"deletionTimestamp": "now"}}, id="its pod is to go"),
    pytest.param({"status": {"containerStatuses": None}}, id="nothing is known yet"),
    pytest.param({}, id="nothing at all"),
]


@pytest.mark.parametrize("seen", PROOFS)
def test_who_is_named_by_the_last_words_of_a_container_has_ended(seen: dict[str, Any]) -> None:
    assert has_ended(ME, seen)


@pytest.mark.parametrize("seen", NO_PROOFS)
def test_all_else_is_no_proof(seen: dict[str, Any]) -> None:
    assert not has_ended(ME, seen)


@pytest.mark.parametrize("seen", [*PROOFS, *NO_PROOFS])
def test_nobody_never_ends(seen: dict[str, Any]) -> None:
    assert not has_ended("", seen)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4), st.text(min_size=1))
def test_whatever_containers_say_only_ones_own_name_proves_it(now: list[str], last: list[str], me: str) -> None:
    containers = [{"state": ended(word)} for word in now] + [{"state": RUNNING, "lastState": ended(w)} for w in last]

    assert has_ended(me, {"status": {"containerStatuses": containers}}) == (me in (*now, *last))


@pytest.mark.parametrize(
    ("holder", "pod_name"),
    [
        pytest.param(ME, POD, id="one of ours"),
        pytest.param("a.b-c_1", "a.b-c", id="a name with a point"),
        pytest.param("", None, id="nobody"),
        pytest.param("somebody", None, id="another's way to name itself"),
        pytest.param("My_Laptop_1", None, id="a host that is no pod"),
        pytest.param("../../secrets/a_1", None, id="somebody's idea of a path"),
        pytest.param("a?watch=1_1", None, id="somebody's idea of a query"),
        pytest.param("a/log_1", None, id="somebody's idea of a subresource"),
        pytest.param(f"{'a' * 300}_1", None, id="too long for a name"),
    ],
)
def test_the_pod_of_a_holder_is_what_can_be_one(holder: str, pod_name: str | None) -> None:
    assert pod_of(holder) == pod_name


def test_a_name_says_its_pod() -> None:
    assert pod_of(holder_name(POD, "1")) == POD


def test_the_name_is_left_where_the_kubelet_looks_in_place_of_what_was_there(tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    log.write_text("something long that was there before " * 9)

    assert leave_behind(ME, log)

    assert log.read_text() == ME


@pytest.mark.parametrize("name", ["none", ""], ids=["there is none", "it is a folder"])
def test_where_no_kubelet_looks_nothing_is_left(tmp_path: Path, name: str) -> None:
    assert not leave_behind(ME, tmp_path / name)

    assert list(tmp_path.iterdir()) == []
