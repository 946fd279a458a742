"""The fingerprint by which drift of what no GET shows is noticed, and which tells whether a PATCH is enough."""

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from herder.gateway.fingerprint import fingerprint, patch_suffices
from herder.gateway.spec import Health, WorkerSpec
from unit.gateway.test_spec import SPEC, URL

LISTED = {**SPEC.labels, "model_path": "discovered"}

BY_PATCH: dict[str, WorkerSpec] = {
    "priority": replace(SPEC, priority=8),
    "cost": replace(SPEC, cost=Decimal("1.51")),
    "a label changed": replace(SPEC, labels={"a": "1", "b": "3"}),
    "a label added": replace(SPEC, labels={**SPEC.labels, "c": "3"}),
    "the key changed": replace(SPEC, api_key="s3cr3t2"),
    "a health value changed": replace(SPEC, health=replace(SPEC.health, timeout_secs=4)),
}
BY_PUT: dict[str, WorkerSpec] = {
    "url": replace(SPEC, url="http://10.0.0.8:8000"),
    "type": replace(SPEC, worker_type="prefill"),
    "runtime": replace(SPEC, runtime_type=None),
    "models": replace(SPEC, models=()),
    "bootstrap port": replace(SPEC, bootstrap_port=8999),
    "a label taken away": replace(SPEC, labels={"a": "1"}),
    "a label renamed": replace(SPEC, labels={"a": "1", "c": "2"}),
    "a label that was discovered": replace(SPEC, labels={**SPEC.labels, "model_path": "declared"}),
    "a label that is read once": replace(SPEC, labels={**SPEC.labels, "constrained_decoding": "always"}),
    "no key any more": replace(SPEC, api_key=None),
    "a health value taken away": replace(SPEC, health=Health(timeout_secs=3, disable_health_check=False)),
}
CHANGES = BY_PATCH | BY_PUT


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_fingerprint_tells_every_change(changed: WorkerSpec) -> None:
    assert fingerprint(changed) != fingerprint(SPEC)


def test_an_empty_key_is_not_no_key() -> None:
    assert fingerprint(replace(SPEC, api_key="")) != fingerprint(replace(SPEC, api_key=None))


def test_equal_specs_have_equal_fingerprints_whatever_the_order_and_spelling() -> None:
    again = replace(SPEC, labels={"b": "2", "a": "1"}, cost=Decimal("1.50"))

    assert fingerprint(again) == fingerprint(SPEC)


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    program = (
        "from herder.gateway.fingerprint import fingerprint;from herder.gateway.spec import WorkerSpec;"
        f"print(fingerprint(WorkerSpec(url={URL!r}, labels={{'a': '1', 'b': '2'}}, api_key='k')))"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == fingerprint(WorkerSpec(url=URL, labels={"a": "1", "b": "2"}, api_key="k"))


def test_a_fingerprint_holds_no_part_of_the_key() -> None:
    assert "s3cr3t" not in fingerprint(SPEC)
    assert [len(part) for part in fingerprint(SPEC).split("-")] == [16, 16]


@pytest.mark.parametrize("changed", BY_PATCH.values(), ids=BY_PATCH)
def test_what_a_patch_can_change_is_told_from_the_fingerprint_alone(changed: WorkerSpec) -> None:
    assert patch_suffices(fingerprint(SPEC), changed, LISTED)


def test_a_first_key_is_patched() -> None:
    assert patch_suffices(fingerprint(replace(SPEC, api_key=None)), SPEC, LISTED)


@pytest.mark.parametrize("changed", BY_PUT.values(), ids=BY_PUT)
def test_what_a_patch_can_not_change_or_take_away_is_put(changed: WorkerSpec) -> None:
    """A label that the gateway discovered is listed, so that nobody can tell whether it was declared before."""
    assert not patch_suffices(fingerprint(SPEC), changed, LISTED)


@pytest.mark.parametrize("applied", [None, "", "f" * 32], ids=["unknown", "empty", "of an older herder"])
def test_what_was_told_and_is_not_known_is_put(applied: str | None) -> None:
    assert not patch_suffices(applied, SPEC, LISTED)
