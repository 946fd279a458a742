"""Builds the control plane's programs once, from the Go sources beside this file, into the user's cache.

The cache folder carries the recipe's hash: another version, another flag, another folder.
"""

import hashlib
import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from rig.control_plane.go import BuildError, find_go
from rig.control_plane.progress import Go
from rig.once import made_once

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")

_SOURCE = Path(__file__).with_name("source")
_MULTICALL = "localplane"
_FLAGS = ("-trimpath", "-buildvcs=false")
_LINKER_FLAGS = (
    "-s -w -X k8s.io/component-base/version.gitVersion={kubernetes} -X helm.sh/helm/v4/internal/version.version={helm}"
)
_GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def build_once(environment: Mapping[str, str]) -> Path:
    """The cached programs' folder; built first when it is not there. Raises BuildError."""

    def build(programs: Path, scratch: Path) -> None:
        _compile(programs / _MULTICALL, scratch, environment)
        for program in PROGRAMS:
            (programs / program).symlink_to(_MULTICALL)

    return made_once(_target(environment), build, what="the control plane")


def cached(environment: Mapping[str, str]) -> Path | None:
    """The cached programs' folder, if they were built already."""
    target = _target(environment)
    return target if target.is_dir() else None


def module_version(module: str) -> str:
    """The version of a module that go.mod requires, e.g. "v1.37.2": go.mod is the one place that says it."""
    found = re.search(rf"^\t{re.escape(module)} (v\S+)$", (_SOURCE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise BuildError(f"{_SOURCE / 'go.mod'} does not require {module}")
    return found[1]


def _target(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "herder" / "control-plane" / _key()


def _key() -> str:
    sources = [(_SOURCE / name).read_bytes() for name in ("main.go", "go.mod", "go.sum")]
    options = repr((PROGRAMS, _FLAGS, _LINKER_FLAGS, _GO_ENVIRONMENT)).encode()
    digest = hashlib.sha256(b"\0".join([*sources, options])).hexdigest()
    machine = f"{sys.platform}-{platform.machine().lower()}"
    return f"{module_version('k8s.io/kubernetes')}-{machine}-{digest[:12]}"


def _compile(output: Path, scratch: Path, environment: Mapping[str, str]) -> None:
    go_environment = {**environment, **_GO_ENVIRONMENT}
    kubernetes, helm = module_version("k8s.io/kubernetes"), module_version("helm.sh/helm/v4")
    etcd = module_version("go.etcd.io/etcd/server/v3")
    print(f"==> building Kubernetes {kubernetes}, etcd {etcd} and helm {helm}, this once", file=sys.stderr, flush=True)
    path = find_go(scratch.parent, go_environment)
    go = Go(path, folder=_SOURCE, environment=go_environment, log_folder=scratch)
    package_count = go.run("list", "-deps", ".", saying="fetching sources")
    linker_flags = _LINKER_FLAGS.format(kubernetes=kubernetes, helm=helm)
    arguments = ("-v", *_FLAGS, "-ldflags", linker_flags, "-o", str(output), ".")
    go.run("build", *arguments, saying="compiling", package_count=package_count)
    if not os.access(output, os.X_OK):
        raise BuildError(f"go build reported success and left no {output.name}")
