"""Herder's chart, rendered and installed by the real helm."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rig.control_plane.cluster import Cluster

CHART = Path(__file__).parents[3] / "charts" / "herder"


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
        """What the chart renders to with `values`, each a KEY=VALUE of --set."""
        words = ["--include-crds"] if crds else []
        text = self.run("template", "herder", str(CHART), "--namespace", namespace, *words, *_sets(values))
        return [document for document in yaml.safe_load_all(text) if document]

    @contextmanager
    def installed(self, release: str, namespace: str, *values: str) -> Iterator[None]:
        """Have a release of the chart within the block."""
        self.run("install", release, str(CHART), "--namespace", namespace, *_sets(values))
        try:
            yield
        finally:
            self.run("uninstall", release, "--namespace", namespace, "--wait=hookOnly")


def only(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one document of a kind."""
    [document] = [document for document in documents if document["kind"] == kind]
    return document


def pod_of(deployment: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The pod that a Deployment stands for, which admission judges as it is; of a Deployment it only warns."""
    template = deployment["spec"]["template"]
    metadata = {"name": "herder", "namespace": namespace, "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _sets(values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in ("--set", value)]
