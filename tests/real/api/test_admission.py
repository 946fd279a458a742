"""The real API server takes what it should and refuses the rest with the field's path and what to write instead."""

import json
import re
from collections.abc import Iterable, Mapping

import pytest

from herder.api.base import parse
from herder.api.meta import MODEL_GATEWAY, WORKER_REGISTRATION
from herder.api.worker import WorkerRegistrationSpec
from rig.control_plane.cluster import Cluster
from unit.api.manifests import ACCEPTED, REFUSED, WORKER, Case, as_params


def _dry_run(control_plane: Cluster, namespace: str, cases: Iterable[Case]) -> str:
    documents = "\n---\n".join(json.dumps(case.manifest(namespace)) for case in cases)
    applied = control_plane.kubectl("apply", "--dry-run=server", "-f", "-", input=documents, check=False)
    return applied.stdout + applied.stderr


@pytest.fixture(scope="module")
def verdicts(control_plane: Cluster) -> Mapping[str, str]:
    """What the API server says of each refused manifest, by the resource's name; asked in one call, to be fast."""
    said = _dry_run(control_plane, "default", REFUSED)
    return {found["name"]: found["why"] for found in re.finditer(r'"(?P<name>[^" ]+)" is invalid: (?P<why>.*)', said)}


@pytest.mark.parametrize("case", as_params(REFUSED))
def test_a_wrong_manifest_is_refused_with_path_and_remedy(case: Case, verdicts: Mapping[str, str]) -> None:
    verdict = verdicts[case.object_name]

    assert f"{case.path}: " in verdict
    assert case.says in verdict


@pytest.mark.parametrize("case", as_params(REFUSED))
def test_one_mistake_brings_one_complaint(case: Case, verdicts: Mapping[str, str]) -> None:
    complaints = re.findall(
        r"(?<![\w.])(spec[\w.\[\]]*): (?:Invalid|Required|Unsupported|Too)", verdicts[case.object_name]
    )

    assert complaints == [case.path]


def test_a_replica_that_is_named_twice_is_refused(control_plane: Cluster, namespace: str) -> None:
    case = Case("twice", MODEL_GATEWAY, {"endpoints": ["http://a", "http://b", "http://a"]})

    assert 'spec.endpoints[2]: Duplicate value: "http://a"' in _dry_run(control_plane, namespace, [case])


def test_every_right_manifest_is_taken(control_plane: Cluster, namespace: str) -> None:
    said = _dry_run(control_plane, namespace, ACCEPTED)

    assert [line for line in said.splitlines() if "created (server dry run)" not in line] == []
    assert len(said.splitlines()) == len(ACCEPTED)


def test_a_field_that_does_not_exist_is_named(control_plane: Cluster, namespace: str) -> None:
    case = Case("unknown-field", WORKER_REGISTRATION, {**WORKER, "helth": {}})

    assert 'unknown field "spec.helth"' in _dry_run(control_plane, namespace, [case])


def test_the_api_server_fills_in_the_defaults_of_the_models(control_plane: Cluster, namespace: str) -> None:
    case = Case("defaults", WORKER_REGISTRATION, WORKER)

    answer = control_plane.kubectl(
        "create", "--dry-run=server", "-o", "json", "-f", "-", input=json.dumps(case.manifest(namespace))
    )

    assert json.loads(answer.stdout)["spec"] == parse(WorkerRegistrationSpec, WORKER).dump()


def test_a_worker_can_be_moved_to_another_gateway(control_plane: Cluster, namespace: str) -> None:
    case = Case("moved", WORKER_REGISTRATION, WORKER)
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(case.manifest(namespace)))

    patch = '{"spec": {"gatewayRef": {"name": "elsewhere"}}}'
    control_plane.kubectl("patch", "wr", case.object_name, "-n", namespace, "--type=merge", "-p", patch)
