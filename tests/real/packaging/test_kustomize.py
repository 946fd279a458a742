"""The overlays of samples/kustomize, built by the real kubectl and judged by a real API server."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from herder.api.base import parse
from herder.api.crd.catalog import DEFINITIONS
from real.packaging.chart import every, only
from rig.control_plane.cluster import Cluster
from rig.crds import CRDS

SAMPLES = Path(__file__).parents[3] / "samples" / "kustomize"
OVERLAYS = sorted(path.parent.name for path in SAMPLES.glob("*/kustomization.yaml") if path.parent.name != "base")
SPECS = {each.kind.kind: each.spec for each in DEFINITIONS}
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def built(cluster: Cluster, folder: Path) -> list[dict[str, Any]]:
    """What `kubectl kustomize` makes of a folder."""
    return list(yaml.safe_load_all(cluster.kubectl("kustomize", str(folder)).stdout))


def references(properties: Mapping[str, Any], path: str = "spec") -> Iterator[str]:
    """The fields of a CRD's spec that name another object."""
    for name, schema in properties.items():
        if name.endswith("Ref"):
            yield f"{path}/{name}/name"
        else:
            yield from references(schema.get("properties", {}), f"{path}/{name}")


@overlays
def test_an_overlay_is_right_to_the_letter(control_plane: Cluster, overlay: str) -> None:
    documents = built(control_plane, SAMPLES / overlay)

    for document in documents:
        parse(SPECS[document["kind"]], document["spec"], unknown="forbid")

    gateway = only(documents, "ModelGateway")["metadata"]["name"]
    assert {each["spec"]["gatewayRef"]["name"] for each in documents if "gatewayRef" in each["spec"]} == {gateway}
    assert {each["metadata"]["namespace"] for each in documents} == {overlay}


@overlays
def test_the_api_server_takes_an_overlay(control_plane: Cluster, overlay: str) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": overlay}}
    control_plane.apply(f"/api/v1/namespaces/{overlay}", space)

    done = control_plane.kubectl("apply", "--dry-run=server", "-k", str(SAMPLES / overlay))

    assert done.stdout.count("created (server dry run)") == len(built(control_plane, SAMPLES / overlay))


def test_staging_only_observes(control_plane: Cluster) -> None:
    assert only(built(control_plane, SAMPLES / "staging"), "ModelGateway")["spec"]["mode"] == "Observe"


def test_production_never_forces_a_worker_off(control_plane: Cluster) -> None:
    workers = every(built(control_plane, SAMPLES / "production"), "WorkerRegistration")

    assert {each["spec"]["drain"]["onTimeout"] for each in workers} == {"Keep"}
    assert [each["spec"].get("priority") for each in workers] == [80, None]


def test_a_generated_secret_is_found_under_the_name_that_it_gets(control_plane: Cluster, tmp_path: Path) -> None:
    generator = {"secretGenerator": [{"name": "shepherd-key", "literals": ["api-key=sesame"]}]}
    base = (SAMPLES / "base").relative_to(tmp_path, walk_up=True)
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"resources": [str(base)], **generator}))

    documents = built(control_plane, tmp_path)

    name = only(documents, "Secret")["metadata"]["name"]
    assert name.startswith("shepherd-key-")
    assert only(documents, "ModelGateway")["spec"]["auth"]["apiKeySecretRef"]["name"] == name


def test_kustomize_is_told_of_every_field_that_names_another_object() -> None:
    told = yaml.safe_load((SAMPLES / "base" / "references.yaml").read_text())["nameReference"]
    fields = {(each["kind"], each["path"]) for rule in told for each in rule["fieldSpecs"]}

    wanted = set()
    for path in CRDS.glob("*.yaml"):
        crd = yaml.safe_load(path.read_text())
        spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        wanted |= {(crd["spec"]["names"]["kind"], found) for found in references(spec)}
    assert wanted <= fields
    assert fields - wanted == {("ModelGateway", "spec/service/name"), ("ModelGateway", "spec/mcp/rollout/deployment")}
