"""Awaiting a condition: what counts as met, and what is told when it is not."""

import contextlib
import itertools
import json

import pytest

from rig.control_plane.cluster import Cluster
from rig.waiting import eventually, settled, wait_for_condition

_WORKER = {
    "apiVersion": "herder.dev/v1alpha1",
    "kind": "WorkerRegistration",
    "metadata": {"name": "a"},
    "spec": {"gatewayRef": {"name": "g"}, "url": "http://127.0.0.1:1"},
}


async def test_a_check_is_asked_until_it_gives_something_true() -> None:
    answers = iter([None, 0, "yes"])

    assert await eventually(lambda: next(answers)) == "yes"


async def test_a_failed_assertion_in_a_check_means_not_yet() -> None:
    count = itertools.count()

    async def third() -> bool:
        assert next(count) == 2
        return True

    assert await eventually(third)


async def test_what_is_not_there_yet_is_waited_for_and_named() -> None:
    answers = iter([{}, {"status": "yes"}])

    assert await eventually(lambda: next(answers)["status"]) == "yes"
    with pytest.raises(AssertionError, match="the last was: no 'status'"):
        await eventually(lambda: dict[str, str]()["status"], timeout_s=0)


async def test_what_changes_is_read_until_it_does_not() -> None:
    numbers = iter([1, 2, 3, 3, 4])

    assert await settled(lambda: next(numbers), rest_s=0) == 3
    with pytest.raises(AssertionError, match="changed again within 0 s, 5 times"):
        await settled(itertools.count().__next__, rest_s=0, tries=5)


async def test_what_a_check_gave_last_is_told() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s; the last was: \[\]"):
        await eventually(list, timeout_s=0)


async def test_a_condition_that_an_object_lacks_is_named(control_plane: Cluster) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workerregistrations.herder.dev"

    with pytest.raises(AssertionError, match=r"no condition Nonsense among"):
        await wait_for_condition(control_plane, path, "Nonsense", timeout_s=0)


async def test_an_object_that_does_not_exist_has_no_condition(control_plane: Cluster) -> None:
    with pytest.raises(AssertionError, match="/api/v1/namespaces/nowhere does not exist"):
        await wait_for_condition(control_plane, "/api/v1/namespaces/nowhere", "Ready", timeout_s=0)


@pytest.mark.parametrize(
    ("generation", "status", "reason", "complaint"),
    [
        pytest.param(1, "True", "Registered", None, id="as awaited"),
        pytest.param(1, "False", "Registered", "'status': 'False'", id="another status"),
        pytest.param(1, "True", "Retrying", "'reason': 'Retrying'", id="another reason"),
        pytest.param(0, "True", "Registered", "out of date", id="about an older generation"),
    ],
)
async def test_a_condition_counts_with_its_status_its_reason_and_the_present_generation(
    control_plane: Cluster, namespace: str, generation: int, status: str, reason: str, complaint: str | None
) -> None:
    path = f"/apis/herder.dev/v1alpha1/namespaces/{namespace}/workerregistrations/a"
    condition = {"type": "Ready", "status": status, "reason": reason, "message": "", "observedGeneration": generation}
    condition["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(_WORKER))
    patch = json.dumps({"status": {"conditions": [condition]}})
    control_plane.kubectl("patch", "wr/a", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)

    expectation = pytest.raises(AssertionError, match=complaint) if complaint else contextlib.nullcontext()
    with expectation:
        await wait_for_condition(control_plane, path, "Ready", reason="Registered", timeout_s=0)
