"""A release of the chart on a real API server, from its install to an uninstall that leaves what people declared."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from herder import __version__
from real.packaging.chart import CHART, NO_CRDS, Helm, HelmError, every, sets
from rig.control_plane.cluster import Cluster
from rig.control_plane.control_plane import ControlPlane
from rig.crds import CRDS, apply_crds
from rig.declared import Declared

SPACE = "herder-system"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workerregistrations.herder.dev"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{SPACE}/deployments/herder"
FILE = "files/crds/herder.dev_workerregistrations.yaml"


def spec_of(crd: dict[str, Any]) -> dict[str, Any]:
    """The fields of the spec that a CRD's only version has."""
    [version] = crd["spec"]["versions"]
    fields: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    return fields


class Release:
    """The release `herder` in a cluster of its own that never heard of herder."""

    def __init__(self, cluster: ControlPlane, home: Path) -> None:
        self.cluster = cluster
        self.helm = Helm(cluster, home)

    def do(self, what: str, *words: str) -> str:
        """Run a command of helm's for it."""
        return self.helm.run(what, "herder", *words, "--namespace", SPACE)

    def install(self, *words: str) -> None:
        """Install it, with its namespace."""
        self.do("install", str(CHART), "--create-namespace", *words)

    def crds(self) -> list[str]:
        """The CRDs that the API server serves."""
        wait = ("wait", "--for=condition=Established", "--timeout=120s", "-f", str(CRDS))
        return self.cluster.kubectl(*wait).stdout.splitlines()

    def args(self) -> list[str]:
        """The arguments of its container."""
        [container] = (self.cluster.get(DEPLOYMENT) or {})["spec"]["template"]["spec"]["containers"]
        found: list[str] = container["args"]
        return found

    def has_field(self) -> bool:
        """Whether its CRD has the field that only the next version has."""
        return "futureField" in spec_of(self.cluster.get(CRD) or {})

    def statuses(self) -> list[str]:
        """What helm says of each of its revisions."""
        lines = self.do("history", "--output", "yaml").splitlines()
        return [line.partition("status: ")[2] for line in lines if "status: " in line]


@pytest.fixture
def release(log_dir: Path, tmp_path: Path) -> Iterator[Release]:
    with ControlPlane.start(tmp_path / "control-plane") as cluster:
        yield Release(cluster, tmp_path)


@pytest.fixture
def next_chart(tmp_path: Path) -> Path:
    """The chart of a version to come: its WorkerRegistration has a field more."""
    chart = tmp_path / "next"
    shutil.copytree(CHART, chart)
    crd = yaml.safe_load((chart / FILE).read_text())
    spec_of(crd)["futureField"] = {"type": "string"}
    (chart / FILE).write_text(yaml.safe_dump(crd, sort_keys=False))
    return chart


def test_an_upgrade_changes_crds_and_values_and_a_rollback_undoes_both(release: Release, next_chart: Path) -> None:
    release.install("--set", "maxRuns=7")
    first = (release.has_field(), "--max-runs=7" in release.args())

    release.do("upgrade", str(next_chart), "--set", "maxRuns=9")
    second = (release.has_field(), "--max-runs=9" in release.args())
    release.do("rollback", "1")
    third = (release.has_field(), "--max-runs=7" in release.args())

    assert len(release.crds()) == len(list(CRDS.iterdir()))
    assert (first, second, third) == ((False, True), (True, True), (False, True))
    assert release.statuses() == ["superseded", "superseded", "deployed"]


def test_an_uninstall_leaves_crds_and_resources_and_an_install_takes_them_over(release: Release) -> None:
    release.install()
    release.crds()
    declared = Declared(release.cluster, "default")
    declared.worker("a", "http://10.0.0.1:8000")

    said = release.do("uninstall")
    left = (declared.get("a") is not None, release.cluster.get(DEPLOYMENT))
    release.install()

    assert said.count("[CustomResourceDefinition]") == len(release.crds())
    assert left == (True, None)
    assert declared.get("a") is not None


def test_crds_belong_to_one_release(release: Release) -> None:
    release.install()

    with pytest.raises(HelmError, match="invalid ownership metadata"):
        release.helm.run("install", "other", str(CHART), "--namespace", "default")
    release.helm.run("install", "other", str(CHART), "--namespace", "default", "--set", NO_CRDS)

    assert release.statuses() == ["deployed"]


def test_crds_that_were_applied_apart_can_be_taken_over_and_let_go_again(release: Release) -> None:
    def owner() -> str | None:
        annotations = (release.cluster.get(CRD) or {})["metadata"].get("annotations", {})
        found: str | None = annotations.get("meta.helm.sh/release-name")
        return found

    apply_crds(release.cluster)
    release.install("--set", NO_CRDS)
    before = owner()

    release.do("upgrade", str(CHART), "--set", "crds.install=true", "--take-ownership", "--force-conflicts")
    taken = owner()
    release.do("upgrade", str(CHART), "--set", NO_CRDS)

    assert (before, taken) == (None, "herder")
    assert len(release.crds()) == len(list(CRDS.iterdir()))


def test_named_namespaces_are_served_under_the_clusters_own_name(
    helm: Helm, control_plane: Cluster, namespace: str
) -> None:
    words = ("--namespace", namespace, *sets((NO_CRDS, f"watchNamespaces={{{namespace}}}")))

    rendered = helm.run("template", "herder", str(CHART), "--dry-run=server", *words)

    uid = (control_plane.get("/api/v1/namespaces/kube-system") or {})["metadata"]["uid"]
    assert f"--installation={uid}" in rendered


def test_the_packed_chart_brings_the_crds_as_the_models_have_them(helm: Helm, tmp_path: Path) -> None:
    helm.run("package", str(CHART), "--destination", str(tmp_path))
    shutil.unpack_archive(tmp_path / f"herder-{__version__}.tgz", tmp_path, filter="data")

    packed = {path.name: path.read_text() for path in (tmp_path / "herder" / "files" / "crds").iterdir()}

    assert packed == {path.name: path.read_text() for path in CRDS.glob("*.yaml")}


def test_each_crd_is_rendered_as_it_is_but_for_labels_and_the_wish_to_stay(helm: Helm) -> None:
    rendered = every(helm.template(crds=True), "CustomResourceDefinition")

    assert len(rendered) == len(list(CRDS.iterdir()))
    assert {each["metadata"]["annotations"]["helm.sh/resource-policy"] for each in rendered} == {"keep"}
    assert {each["metadata"]["labels"]["app.kubernetes.io/instance"] for each in rendered} == {"herder"}
