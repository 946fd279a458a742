"""What a list shows of a difference, and what it can't."""

from typing import Any

import pytest

from herder.workflows.compare import difference
from unit.workflows.made import OWNER, plan, worker

DECLARED = plan(cost="0.0002", priority=7, workerType="Prefill", labels={"zone": "a"}, apiKeySecretRef=None)
SHOWN: dict[str, Any] = {
    "cost": 0.00019999999494757503,  # the nearest number in single precision
    "priority": 7,
    "worker_type": "prefill",
    "labels": {**OWNER.label, "zone": "a", "model_path": "discovered"},
}

ROWS = {
    "as declared": ({}, (), None),
    "priority": ({"priority": 8}, (), "it lists priority 8, not 7"),
    "a cost that differs little, for its size": ({"cost": 0.0001}, (), "it lists cost 0.0001, not 0.0002"),
    "type": ({"worker_type": "decode"}, (), "it lists type decode, not prefill"),
    "label": ({"labels": {**OWNER.label, "zone": "b"}}, (), "its label zone is not as declared"),
    "label missing": ({"labels": OWNER.label}, (), "its label zone is not as declared"),
    "owner": ({"labels": {"zone": "a"}}, (), "its label herder.dev/owner is not as declared"),
    "one of the models": ({}, ("x", "mock-model"), None),
    "model": ({}, ("x",), "it lists model mock-model, not x"),
    "model, an odd one": ({"model_id": "a\nb", "models": ()}, ("x",), "it lists model a b, not x"),
    "no model": ({"model_id": None, "models": ()}, ("x",), "it lists model none, not x"),
}


@pytest.mark.parametrize(("shown", "models", "expected"), ROWS.values(), ids=ROWS)
def test_the_first_difference_is_told(shown: dict[str, Any], models: tuple[str, ...], expected: str | None) -> None:
    assert difference(worker(**(SHOWN | shown)), DECLARED, models) == expected


def test_what_a_list_does_not_show_makes_no_difference() -> None:
    declared = plan(api_key="k3y", health={"timeoutSeconds": 3}, drain={"settleSeconds": 1})

    assert difference(worker(), declared) is None
