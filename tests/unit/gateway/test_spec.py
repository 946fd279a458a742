"""What a replica is told: the bodies of POST, PUT and PATCH."""

from decimal import Decimal

import pytest

from herder.gateway.spec import Health, WorkerPatch, WorkerSpec

URL = "http://10.0.0.7:8000"
SPEC = WorkerSpec(
    url=URL,
    worker_type="decode",
    runtime_type="sglang",
    models=("m",),
    priority=7,
    cost=Decimal("1.5"),
    labels={"a": "1", "b": "2"},
    api_key="s3cr3t",
    bootstrap_port=8998,
    health=Health(timeout_secs=3, disable_health_check=False, drain_settle_secs=0),
)


def test_a_full_spec_is_sent_in_the_gateways_words() -> None:
    assert SPEC.body() == {
        "url": URL,
        "worker_type": "decode",
        "runtime_type": "sglang",
        "models": [{"id": "m"}],
        "priority": 7,
        "cost": 1.5,
        "labels": {"a": "1", "b": "2"},
        "api_key": "s3cr3t",
        "bootstrap_port": 8998,
        "health": {"timeout_secs": 3, "disable_health_check": False, "drain_settle_secs": 0},
    }


def test_what_is_unset_is_not_sent_and_never_null() -> None:
    """`labels`, `models` and `priority` of null are answered 400."""
    body = WorkerSpec(url=URL).body()

    assert None not in body.values()
    assert not {"api_key", "runtime_type", "bootstrap_port"} & body.keys()
    assert body["health"] == {}


def test_a_patch_sends_only_what_it_sets() -> None:
    assert WorkerPatch().body() == {}
    assert WorkerPatch(priority=0, cost=Decimal(2), labels={}, api_key="k", health=Health(timeout_secs=1)).body() == {
        "priority": 0,
        "cost": 2.0,
        "labels": {},
        "api_key": "k",
        "health": {"timeout_secs": 1},
    }


@pytest.mark.parametrize("value", [SPEC, WorkerPatch(api_key="s3cr3t")], ids=["spec", "patch"])
def test_no_repr_shows_the_key(value: WorkerSpec | WorkerPatch) -> None:
    assert "s3cr3t" not in repr(value)
    assert value.secrets() == ("s3cr3t",)


def test_the_patch_of_a_spec_sets_all_that_a_patch_can() -> None:
    assert SPEC.patch().body() == {
        name: SPEC.body()[name] for name in ("priority", "cost", "labels", "api_key", "health")
    }
