"""Herder's chart, rendered and installed by the real helm."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from herder.cli.run import run
from rig.control_plane.cluster import Cluster

CHART = Path(__file__).parents[3] / "charts" / "herder"

NO_CRDS = "crds.install=false"
"""For a cluster that has them already."""

NAMED = ("watchNamespaces={a,b}", "installation=here")
"""Two namespaces; without a cluster to ask the installation must be named, too."""


class HelmError(RuntimeError):
    """helm ended with another code than 0; the message holds what it said."""


@dataclass(frozen=True)
class Helm:
    """helm, against a cluster where the command needs one."""

    cluster: Cluster
    home: Path

    def run(self, *args: str) -> str:
        """Run it and return what it printed. Raises HelmError."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "KUBECONFIG": str(self.cluster.kubeconfig),
        }
        argv = [str(self.cluster.programs / "helm"), *args]
        done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise HelmError(done.stderr or done.stdout)
        return done.stdout

    def template(self, *values: str, namespace: str = "herder-system", crds: bool = False) -> list[dict[str, Any]]:
        """What the chart renders to with `values`, each a KEY=VALUE of --set; CRDs only if they are asked for."""
        words = [] if crds else ["--set", NO_CRDS]
        text = self.run("template", "herder", str(CHART), "--namespace", namespace, *words, *sets(values))
        return [document for document in yaml.safe_load_all(text) if document]

    def template_of(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the chart renders to with `values` as a file of values has them, without CRDs."""
        file = self.home / "values.yaml"
        file.write_text(json.dumps(values))
        text = self.run("template", "herder", str(CHART), "--values", str(file), "--set", NO_CRDS)
        return [document for document in yaml.safe_load_all(text) if document]

    @contextmanager
    def installed(self, release: str, namespace: str, *values: str) -> Iterator[None]:
        """Have a release of the chart within the block, without CRDs: the cluster has them."""
        self.run("install", release, str(CHART), "--namespace", namespace, *sets((NO_CRDS, *values)))
        try:
            yield
        finally:
            self.run("uninstall", release, "--namespace", namespace, "--wait=hookOnly")


def sets(values: Iterable[str]) -> list[str]:
    """The words that set each KEY=VALUE."""
    return [word for value in values for word in ("--set", value)]


def every(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The documents of a kind."""
    return [document for document in documents if document["kind"] == kind]


def only(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one document of a kind."""
    [document] = every(documents, kind)
    return document


def container_of(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The Deployment's one container."""
    [container] = only(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


def options_of(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """What herder reads its container's arguments as. Raises click's UsageError for what it does not know."""
    command, *words = container_of(documents)["args"]
    assert command == run.name
    return run.make_context(command, words).params


def pod_of(deployment: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The pod that a Deployment stands for, which admission judges as it is; of a Deployment it only warns."""
    template = deployment["spec"]["template"]
    metadata = {"name": "herder", "namespace": namespace, "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
