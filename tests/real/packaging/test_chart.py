"""What the chart takes and what it renders, by the real helm."""

import shutil
from pathlib import Path

import pytest
import yaml

from herder import __version__
from herder.cli.run import run
from real.packaging.chart import CHART, Helm, HelmError, only
from rig.crds import CRDS

ALL = ()
NAMED = ("namespaces={a,b}",)
PROFILES = [pytest.param(ALL, id="all namespaces"), pytest.param(NAMED, id="named namespaces")]


@pytest.mark.parametrize("values", PROFILES)
def test_helm_finds_nothing_to_complain_about(helm: Helm, values: tuple[str, ...]) -> None:
    said = helm.run("lint", "--strict", str(CHART), *(word for value in values for word in ("--set", value)))

    assert "0 chart(s) failed" in said


@pytest.mark.parametrize(
    ("value", "field"),
    [
        pytest.param("replicas=2", "replicas", id="a word that the chart does not know"),
        pytest.param("logLevel=loud", "logLevel", id="a level that herder does not know"),
        pytest.param("maxRuns=0", "maxRuns", id="a number out of range"),
        pytest.param("namespaces={team-*}", "namespaces", id="a pattern for a namespace"),
        pytest.param("image.digest=latest", "digest", id="a tag for a digest"),
        pytest.param("image.repository=", "repository", id="no image"),
        pytest.param("serviceAccount.create=false", "name", id="an account that exists, unnamed"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(helm: Helm, value: str, field: str) -> None:
    with pytest.raises(HelmError, match=f"(?s)values don't meet the specifications.*{field}"):
        helm.template(value)


@pytest.mark.parametrize("values", PROFILES)
def test_the_container_starts_herder_with_options_that_it_has(helm: Helm, values: tuple[str, ...]) -> None:
    deployment = only(helm.template(*values), "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    command, *options = container["args"]

    context = run.make_context(command, options)

    assert context.params["health_host"] == "0.0.0.0"
    assert context.params["health_port"] == container["ports"][0]["containerPort"]
    assert context.params["namespaces"] == (("a", "b") if values else ())
    assert context.params["all_namespaces"] is not bool(values)
    assert not context.params["allow_loopback"]


@pytest.mark.parametrize(
    ("values", "port", "ports"),
    [
        pytest.param((), 0, {"health": 8080}, id="off"),
        pytest.param(("metrics.enabled=true",), 8081, {"health": 8080, "metrics": 8081}, id="on"),
    ],
)
def test_metrics_are_served_where_they_are_asked_for(
    helm: Helm, values: tuple[str, ...], port: int, ports: dict[str, int]
) -> None:
    deployment = only(helm.template(*values), "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    command, *options = container["args"]

    context = run.make_context(command, options)

    assert context.params["metrics_port"] == port
    assert {each["name"]: each["containerPort"] for each in container["ports"]} == ports


def test_two_operators_are_never_asked_for(helm: Helm) -> None:
    spec = only(helm.template(), "Deployment")["spec"]

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_a_digest_pins_the_image(helm: Helm) -> None:
    digest = f"sha256:{'0' * 64}"

    pinned = only(helm.template("image.repository=r.example/herder", f"image.digest={digest}"), "Deployment")
    tagged = only(helm.template("image.repository=r.example/herder"), "Deployment")

    assert pinned["spec"]["template"]["spec"]["containers"][0]["image"] == f"r.example/herder@{digest}"
    assert tagged["spec"]["template"]["spec"]["containers"][0]["image"] == f"r.example/herder:{__version__}"


def test_the_packed_chart_brings_the_crds_as_the_models_have_them(helm: Helm, tmp_path: Path) -> None:
    helm.run("package", str(CHART), "--destination", str(tmp_path))
    shutil.unpack_archive(tmp_path / f"herder-{__version__}.tgz", tmp_path, filter="data")

    packed = {path.name: path.read_text() for path in (tmp_path / "herder" / "crds").iterdir()}

    assert packed == {path.name: path.read_text() for path in CRDS.glob("*.yaml")}


def test_crds_can_be_shown_for_an_upgrade(helm: Helm) -> None:
    shown = [document["kind"] for document in yaml.safe_load_all(helm.run("show", "crds", str(CHART))) if document]

    assert shown == ["CustomResourceDefinition"] * len(list(CRDS.glob("*.yaml")))
