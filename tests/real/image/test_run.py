"""The image at work: as a user without a name or a right, in a file system that can only be read."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from herder import __version__
from rig.control_plane.cluster import Cluster
from rig.image.container import Container
from rig.ports import HOST, reserve_port
from rig.process import Process
from rig.web import is_ok

_READY_WITHIN_S = 240.0
_COMPILED = """
import sys, herder.cli.main
from pathlib import Path

UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: taken as it is, whatever the time of its source
for name, module in sorted(sys.modules.items()):
    spec = module.__spec__
    if spec and spec.origin and spec.origin.endswith(".py"):
        cached = Path(spec.cached or "/nowhere")
        print(name, cached.exists() and cached.read_bytes()[4:8] == UNCHECKED_HASH)
"""
_IMPORT_ALL = """
import importlib, pkgutil, herder

for module in pkgutil.walk_packages(herder.__path__, "herder."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""
_FIND_TOOLS = """
from importlib.metadata import distributions
from shutil import which

print(*(name for name in ("cc", "gcc", "ld", "make", "git", "curl", "wget") if which(name)))
print(*(each.name for each in distributions() if each.name in {"pip", "setuptools", "wheel", "hatchling"}))
"""


@pytest.fixture
def account(control_plane: Cluster, tmp_path: Path) -> Path:
    """What a kubelet would mount, with the administrator's token."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text(control_plane.token)
    (folder / "ca.crt").write_bytes(control_plane.ca_file.read_bytes())
    return folder


def test_it_says_its_version(run_in_image: Callable[..., str]) -> None:
    assert run_in_image("herder", "--version") == f"herder, version {__version__}\n"


def test_everything_of_herder_can_be_imported(run_in_image: Callable[..., str]) -> None:
    imported = run_in_image("python", "-c", _IMPORT_ALL).split()

    assert {"herder.cli.run", "herder.net.grpc", "herder.net.mcp_sdk", "herder.workflows.wasm.checks"} <= set(imported)


def test_nothing_is_compiled_at_the_start(run_in_image: Callable[..., str]) -> None:
    modules = dict(line.split() for line in run_in_image("python", "-c", _COMPILED).splitlines())

    assert {"herder.cli.main", "kopf", "argparse"} <= set(modules)
    assert [name for name, is_compiled in modules.items() if is_compiled != "True"] == []


def test_nothing_that_builds_or_installs_is_in_its_environment(run_in_image: Callable[..., str]) -> None:
    assert run_in_image("python", "-c", _FIND_TOOLS).split() == []


def test_the_operator_serves_with_a_read_only_root_as_any_user(
    container: Container, account: Path, namespace: str, control_plane: Cluster, log_dir: Path
) -> None:
    server, port = urlsplit(control_plane.server), reserve_port()
    environment = {"KUBERNETES_SERVICE_HOST": HOST, "KUBERNETES_SERVICE_PORT": str(server.port)}
    pod = replace(container, environment=environment, account=account)
    command = ("herder", "run", f"--namespace={namespace}", f"--health-port={port}", "--metrics-port=0")
    process = Process.start(pod.argv(*command), log_dir / f"image-operator-{port}.log")
    try:
        process.wait_ready(lambda: is_ok(f"http://{HOST}:{port}/healthz"), _READY_WITHIN_S)

        proc = Path("/proc") / str(process.pid)
        status = dict(re.findall(r"^(\w+):[ \t]*(.*)$", (proc / "status").read_text(), re.MULTILINE))
        assert status["Uid"].split() == [str(pod.user)] * 4
        assert (int(status["CapEff"], 16), status["NoNewPrivs"], status["Groups"]) == (0, "1", "")
        assert {point: "ro" in options for point, options in mounts_of(proc)} == {
            "/": True,
            "/proc": True,
            "/run": True,
        }
        assert process.stop(timeout_s=60) == 0
    finally:
        process.kill()
    assert '"level": "error"' not in process.log.read_text()


def mounts_of(proc: Path) -> list[tuple[str, list[str]]]:
    """Where something is mounted, as a process sees it, and how."""
    lines = [line.split() for line in (proc / "mounts").read_text().splitlines()]
    return [(point, options.split(",")) for _, point, _, options, *_ in lines]
