"""What kubectl shows of the resources, and that the API server keeps a status as it was written."""

import json

import pytest

from herder.api.base import ApiModel
from herder.api.meta import MODEL_GATEWAY, WORKER_REGISTRATION, Kind
from rig.control_plane.cluster import Cluster
from unit.api.manifests import GATEWAY, WORKER, Case
from unit.api.statuses import failed_worker, reachable_gateway

WORKER_CASE = Case("llama", WORKER_REGISTRATION, WORKER)
GATEWAY_CASE = Case("shepherd", MODEL_GATEWAY, GATEWAY)


def _apply(control_plane: Cluster, namespace: str, case: Case, status: ApiModel) -> None:
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(case.manifest(namespace)))
    patch = json.dumps({"status": status.dump()})
    control_plane.kubectl(
        "patch",
        case.kind.plural,
        case.object_name,
        "-n",
        namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        patch,
    )


@pytest.mark.parametrize(
    ("case", "status"),
    [(WORKER_CASE, failed_worker(replicas=200, steps=8)), (GATEWAY_CASE, reachable_gateway())],
    ids=["worker", "gateway"],
)
def test_a_status_is_kept_as_it_was_written(
    control_plane: Cluster, namespace: str, case: Case, status: ApiModel
) -> None:
    _apply(control_plane, namespace, case, status)

    kept = control_plane.kubectl("get", case.kind.plural, case.object_name, "-n", namespace, "-o", "json")

    assert json.loads(kept.stdout)["status"] == status.dump()


def test_a_worker_shows_its_columns(control_plane: Cluster, namespace: str) -> None:
    _apply(control_plane, namespace, WORKER_CASE, failed_worker(replicas=2, steps=7))

    header, row = control_plane.kubectl("get", "wr", "-n", namespace, "-o", "wide").stdout.splitlines()

    assert header.split() == ["NAME", "READY", "STEP", "REGISTERED", "URL", "MODEL", "REASON", "AGE"]
    assert row.split()[:-1] == [
        "llama", "False", "7/7", "register", "0/2", WORKER["url"], "meta-llama/Llama-3.3-70B-Instruct-0", "StepFailed",
    ]  # fmt: skip


def test_a_gateway_shows_its_columns(control_plane: Cluster, namespace: str) -> None:
    _apply(control_plane, namespace, GATEWAY_CASE, reachable_gateway())

    header, row = control_plane.kubectl("get", "mgw", "-n", namespace).stdout.splitlines()

    assert header.split() == ["NAME", "READY", "REPLICAS", "REGISTERED", "DRIFTED", "MODE", "AGE"]
    assert row.split()[:-1] == ["shepherd", "True", "2/2", "5/6", "1", "Enforce"]


def test_kubectl_can_wait_for_ready(control_plane: Cluster, namespace: str) -> None:
    _apply(control_plane, namespace, GATEWAY_CASE, reachable_gateway())

    waited = control_plane.kubectl("wait", "--for=condition=Ready", "mgw/shepherd", "-n", namespace, "--timeout=60s")

    assert "condition met" in waited.stdout


def test_the_category_lists_both_kinds(control_plane: Cluster, namespace: str) -> None:
    _apply(control_plane, namespace, WORKER_CASE, failed_worker(replicas=1, steps=1))
    _apply(control_plane, namespace, GATEWAY_CASE, reachable_gateway())

    listed = control_plane.kubectl("get", "herder", "-n", namespace, "-o", "name").stdout.split()

    assert sorted(listed) == ["modelgateway.herder.dev/shepherd", "workerregistration.herder.dev/llama"]


@pytest.mark.parametrize(
    ("selector", "found"),
    [("spec.gatewayRef.name=shepherd", ["a", "b"]), ("spec.url=http://b", ["b"]), ("spec.url=http://c", [])],
    ids=str,
)
def test_workers_are_selected_by_gateway_and_url(
    control_plane: Cluster, namespace: str, selector: str, found: list[str]
) -> None:
    for name in ("a", "b"):
        case = Case(name, WORKER_REGISTRATION, {**WORKER, "url": f"http://{name}"})
        control_plane.kubectl("apply", "-f", "-", input=json.dumps(case.manifest(namespace)))

    listed = control_plane.kubectl("get", "wr", "-n", namespace, "--field-selector", selector, "-o", "name").stdout

    assert [line.partition("/")[2] for line in listed.split()] == found


@pytest.mark.parametrize("kind", [MODEL_GATEWAY, WORKER_REGISTRATION], ids=lambda kind: kind.kind)
def test_a_kind_explains_itself(control_plane: Cluster, kind: Kind) -> None:
    explained = control_plane.kubectl("explain", f"{kind.plural}.status.conditions").stdout

    assert "Ready sums up" in explained


def test_a_changed_url_is_taken(control_plane: Cluster, namespace: str) -> None:
    moved = Case("llama", WORKER_REGISTRATION, {**WORKER, "url": "http://10.0.0.8:8000"})
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(WORKER_CASE.manifest(namespace)))

    assert "configured" in control_plane.kubectl("apply", "-f", "-", input=json.dumps(moved.manifest(namespace))).stdout
