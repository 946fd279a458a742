"""What is sent for a declaration, and what its hash depends on."""

from dataclasses import replace
from typing import Any

import pytest

from herder.workflows.facts import Facts
from herder.workflows.plan import Plan
from unit.workflows.made import OWNER, URL, plan

CHANGES: dict[str, dict[str, Any]] = {
    "url": {"url": f"{URL}/other"},
    "runtime": {"runtime": "vLLM"},
    "workerType": {"workerType": "Decode"},
    "models": {"models": ["m"]},
    "priority": {"priority": 51},
    "cost": {"cost": "1.1"},
    "labels": {"labels": {"zone": "a"}},
    "health.timeoutSeconds": {"health": {"timeoutSeconds": 3}},
    "health.checkIntervalSeconds": {"health": {"checkIntervalSeconds": 3}},
    "health.successThreshold": {"health": {"successThreshold": 3}},
    "health.failureThreshold": {"health": {"failureThreshold": 3}},
    "health.disabled": {"health": {"disabled": True}},
    "drain.settleSeconds": {"drain": {"settleSeconds": 1}},
    "the key": {"api_key": "k3y"},
    "another key": {"api_key": "k3y2"},
    "that it is to be left": {"deletionPolicy": "Orphan"},
    "the owner": {"owner": replace(OWNER, uid="other")},
}
SAME: dict[str, dict[str, Any]] = {
    "another spelling of the URL": {"url": "HTTP://10.0.0.7:8000/"},
    "who probes": {"probe": "Gateway"},
    "the startup budget": {"startup": {"timeoutSeconds": 9}},
    "the removal's time": {"drain": {"timeoutSeconds": 9}},
    "a pause": {"suspend": True},
}


def test_everything_that_is_sent_counts_in_the_hash() -> None:
    hashes = {name: plan(**change).spec_hash for name, change in CHANGES.items()} | {"as it was": plan().spec_hash}

    assert len(set(hashes.values())) == len(hashes), hashes


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_is_not_sent_does_not_count(change: dict[str, Any]) -> None:
    assert plan(**change).spec_hash == plan().spec_hash


def test_what_is_discovered_is_sent_and_does_not_count() -> None:
    declared = plan()
    before = declared.spec_hash

    sent = declared.worker_spec(Facts(runtime="vllm", models=("m",)))

    assert sent.runtime_type == "vllm"
    assert declared.spec_hash == before
    assert declared.worker_spec_declared.runtime_type is None


@pytest.mark.parametrize(
    ("declared", "detected", "sent"),
    [
        ("Auto", "sglang", "sglang"),
        ("Auto", "generic", None),
        ("Auto", None, None),
        ("vLLM", "sglang", "vllm"),
        ("TokenSpeed", None, "tokenspeed"),
        ("External", None, "external"),
    ],
)
def test_a_runtime_is_sent_where_it_is_declared_or_certain(
    declared: str, detected: str | None, sent: str | None
) -> None:
    assert plan(runtime=declared).worker_spec(Facts(runtime=detected)).runtime_type == sent


@pytest.mark.parametrize(
    ("declared", "here"),
    [
        (plan(), True),
        (plan(probe="Gateway"), False),
        (plan(runtime="External"), False),
        (plan(url="grpc://10.0.0.7:9000"), True),
    ],
    ids=["Direct", "Gateway", "External", "gRPC"],
)
def test_herder_probes_what_is_its_own_to_probe(declared: Plan, here: bool) -> None:
    assert declared.is_probed_here is here


def test_the_key_is_sent_and_never_shown() -> None:
    declared = plan(api_key="k3y")

    assert declared.worker_spec_declared.body()["api_key"] == "k3y"
    assert "k3y" not in repr(declared) + repr(declared.worker_spec_declared) + declared.spec_hash


def test_the_owner_label_wins_over_a_declared_one() -> None:
    forged = {"herder.dev/owner": "cluster/ns/other/uid"}

    assert plan().worker_spec_declared.labels.items() >= OWNER.label.items()
    assert Plan(plan().spec.model_copy(update={"labels": forged}), OWNER).worker_spec_declared.labels == OWNER.label


@pytest.mark.parametrize(
    ("url", "runtime", "is_external"),
    [
        ("https://api.openai.com", "Auto", True),
        ("https://generativelanguage.googleapis.com", "Auto", True),
        ("https://fox.ai:8000/w", "Auto", True),
        ("https://fox.ai:8000/w", "vLLM", False),
        ("https://openai.com.example.com", "Auto", False),
        ("https://api.example.com", "External", True),
    ],
)
def test_what_the_gateway_takes_for_a_provider_is_one_here(url: str, runtime: str, is_external: bool) -> None:
    declared = plan(url=url, runtime=runtime)

    assert declared.is_external is is_external
    assert (declared.worker_spec_declared.runtime_type == "external") is is_external
