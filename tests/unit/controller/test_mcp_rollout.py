"""When a Deployment counts as told of a file, and as rolled."""

from typing import Any

import pytest

from herder.controller.mcp.rollout import HASH_ANNOTATION, is_told, telling, waits_for


def _deployment(desired: int = 2, generation: int = 2, **status: int) -> dict[str, Any]:
    return {
        "metadata": {"uid": "u", "resourceVersion": "7", "generation": generation},
        "spec": {"replicas": desired, "template": {"metadata": {"annotations": {HASH_ANNOTATION: "abc"}}}},
        "status": status,
    }


_DONE = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(_DONE, None, id="complete"),
        pytest.param({}, "its controller has not begun yet", id="not observed at all"),
        pytest.param({**_DONE, "observedGeneration": 1}, "its controller has not begun yet", id="not observed yet"),
        pytest.param({**_DONE, "updatedReplicas": 1}, "1 of 2 replicas are new", id="half way"),
        pytest.param({**_DONE, "replicas": 3}, "1 old replicas are still there", id="old ones left"),
        pytest.param({**_DONE, "availableReplicas": 0}, "0 of 2 new replicas are available", id="not available yet"),
    ],
)
def test_a_rollout_says_what_it_waits_for(status: dict[str, int], says: str | None) -> None:
    assert waits_for(_deployment(**status)) == says


def test_a_deployment_without_replicas_is_rolled_when_it_was_observed() -> None:
    assert waits_for(_deployment(0, observedGeneration=2)) is None


def test_only_the_same_version_of_the_file_counts_as_told() -> None:
    assert is_told(_deployment(), "abc")
    assert not is_told(_deployment(), "abd")
    assert not is_told({"spec": {"template": {}}}, "abc")


def test_a_deployment_is_told_by_its_pods_annotation_alone_and_under_a_fence() -> None:
    assert telling(_deployment(), "def") == {
        "metadata": {"uid": "u", "resourceVersion": "7"},
        "spec": {"template": {"metadata": {"annotations": {HASH_ANNOTATION: "def"}}}},
    }
