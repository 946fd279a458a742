"""What a page is read beside: a cluster of its own, a gateway of two replicas, workers, and a shell with the tools."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from herder.api.crd.catalog import DEFINITIONS
from real.docs.pods import Pods
from real.docs.shell import Shell
from rig.control_plane.control_plane import ControlPlane
from rig.declared import Declared, urls_of
from rig.documents import ROOT, Block, Story
from rig.gateway import Smg
from rig.workers import MockWorkers, Script

_SHOWN: Final = ("charts", "crds", "gitops", "samples")
WORKERS: Final[Mapping[str, Script]] = {
    "llama-a": Script(models=("llama",)),
    "llama-b": Script(models=("llama",)),
    "qwen-a": Script(models=("qwen",)),
}
_SERVED: Final = "/apis/herder.dev/v1alpha1"
_KINDS: Final = {each.kind.kind for each in DEFINITIONS}
_INSTALLED: Final = """\
kubectl create namespace models
helm install herder charts/herder --namespace herder-system --create-namespace
kubectl -n herder-system rollout status deployment/herder --timeout=2m"""
_READY: Final = "kubectl -n models wait --for=condition=Ready --timeout=2m mgw,wr --all"
_KUBECTL: Final = """\
#!/bin/sh
# No node holds the log of a pod: the process that stands in for it has written it here.
for word; do
  if [ "$word" = logs ]; then exec cat {logs}/operator-*.log; fi
done
exec {kubectl} "$@"
"""


_ARGO_CD: Final = {
    "/api/v1/namespaces/argocd": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}},
    "/api/v1/namespaces/argocd/configmaps/argocd-cm": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd"},
    },
}
"""What an installation of Argo CD brings, as far as pages change it."""


class Stage:
    """Runs a story. What the pages take for granted is declared as soon as the cluster knows herder's kinds."""

    def __init__(
        self, cluster: ControlPlane, smgs: Sequence[Smg], workers: MockWorkers, folder: Path, namespace: str
    ) -> None:
        self.cluster = cluster
        self.smgs = smgs
        self.declared = Declared(cluster, namespace)
        self._workers = workers
        self._folder = folder
        self._is_set = False
        self._logs = folder / "logs"
        self._logs.mkdir()
        self.pods = Pods(cluster, self._logs)

    def tell(self, story: Story) -> None:
        """Run a story's blocks, but for those that say why not. Raises AssertionError."""
        with Shell(self._checkout(), self._folder / "shell.log", self._environment(), self.tend) as shell:
            if story.beginning == "herder":
                shell.run(Block(story.page, 0, _INSTALLED))
                self.tend()
                shell.run(Block(story.page, 0, _READY))
            for block in story.blocks:
                if block.why_not is None:
                    shell.run(block)
                    self.tend()

    def tend(self) -> None:
        """Do what the rest of a cluster, and the people of the namespace, do: these first, for pages wait for pods."""
        if not self._is_set and self._is_known():
            self._is_set = True
            self._declare()
        if self._is_set:
            self.pods.tend()

    def listed(self, smg: Smg) -> list[str]:
        """The names of the workers that a replica lists."""
        return sorted(name for url in urls_of(smg) for name in WORKERS if url.endswith(name))

    def _declare(self) -> None:
        namespace = self.declared.namespace
        self.cluster.apply(
            f"/api/v1/namespaces/{namespace}",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        )
        for path, body in _ARGO_CD.items():
            self.cluster.apply(path, body)
        self.declared.gateway(self.smgs, name="shepherd")
        for name, script in WORKERS.items():
            url = self._workers.add(name, script).url
            self.declared.worker(name, url, gatewayRef={"name": "shepherd"})

    def _is_known(self) -> bool:
        served = (self.cluster.get(_SERVED) or {"resources": []})["resources"]
        return {each["kind"] for each in served} == _KINDS

    def _checkout(self) -> Path:
        folder = self._folder / "checkout"
        folder.mkdir()
        for name in _SHOWN:
            (folder / name).symlink_to(ROOT / name)
        return folder

    def _environment(self) -> dict[str, str]:
        tools = self._folder / "tools"
        tools.mkdir()
        kubectl = tools / "kubectl"
        kubectl.write_text(_KUBECTL.format(logs=self._logs, kubectl=self.cluster.programs / "kubectl"))
        kubectl.chmod(0o755)
        path = [tools, self.cluster.programs, Path(sys.executable).parent, os.environ["PATH"]]
        return {
            "PATH": os.pathsep.join(map(str, path)),
            "HOME": str(self._folder),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "no_proxy": "127.0.0.1",
        }
