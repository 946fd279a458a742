"""What a replica is told: the bodies, and the fingerprint by which drift of what no GET shows is noticed."""

import subprocess
import sys
from dataclasses import replace
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
        "health": {"timeout_secs": 3, "disable_health_check": False, "drain_settle_secs": 0},
    }


def test_what_is_unset_is_not_sent_and_never_null() -> None:
    """`labels`, `models` and `priority` of null are answered 400."""
    body = WorkerSpec(url=URL).body()

    assert None not in body.values()
    assert not {"api_key", "runtime_type"} & body.keys()
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


CHANGES: dict[str, WorkerSpec] = {
    "url": replace(SPEC, url="http://10.0.0.8:8000"),
    "type": replace(SPEC, worker_type="prefill"),
    "runtime": replace(SPEC, runtime_type=None),
    "models": replace(SPEC, models=()),
    "priority": replace(SPEC, priority=8),
    "cost": replace(SPEC, cost=Decimal("1.51")),
    "label": replace(SPEC, labels={"a": "1", "b": "3"}),
    "key": replace(SPEC, api_key="s3cr3t2"),
    "no key": replace(SPEC, api_key=None),
    "health": replace(SPEC, health=Health(timeout_secs=3, disable_health_check=False)),
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES.keys())
def test_a_fingerprint_tells_every_change(changed: WorkerSpec) -> None:
    assert changed.fingerprint() != SPEC.fingerprint()


def test_an_empty_key_is_not_no_key() -> None:
    assert replace(SPEC, api_key="").fingerprint() != replace(SPEC, api_key=None).fingerprint()


def test_equal_specs_have_equal_fingerprints_whatever_the_order_and_spelling() -> None:
    again = replace(SPEC, labels={"b": "2", "a": "1"}, cost=Decimal("1.50"))

    assert again.fingerprint() == SPEC.fingerprint()


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    program = (
        "from herder.gateway.spec import WorkerSpec;"
        f"print(WorkerSpec(url={URL!r}, labels={{'a': '1', 'b': '2'}}, api_key='k').fingerprint())"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == WorkerSpec(url=URL, labels={"a": "1", "b": "2"}, api_key="k").fingerprint()


def test_a_fingerprint_holds_no_part_of_the_key() -> None:
    assert "s3cr3t" not in SPEC.fingerprint()
    assert len(SPEC.fingerprint()) == 32
