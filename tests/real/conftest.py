"""Fixtures of the real parts. What is slow to start is shared by the whole run, the rest is each test's own."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rig.control_plane.cluster import Cluster
from rig.control_plane.control_plane import ControlPlane
from rig.crds import apply_crds
from rig.declared import Declared
from rig.gateway import Smg, running
from rig.operator_process import Operator
from rig.run import shared_cluster, shared_folder
from rig.tokenizers import write_tokenizer
from rig.workers import MockWorkers, WorkerProcess


@pytest.fixture(scope="session")
def control_plane() -> Cluster:
    """The run's control plane, shared by all its processes. Who would break it starts their own."""
    return shared_cluster()


@pytest.fixture
def own_control_plane(log_dir: Path) -> Iterator[ControlPlane]:
    """A control plane of the test's own, with herder's CRDs, to stop and start its API server: three seconds."""
    with ControlPlane.start(log_dir / f"control-plane-{secrets.token_hex(4)}") as control_plane:
        apply_crds(control_plane)
        yield control_plane


@pytest.fixture(scope="session")
def log_dir() -> Path:
    """Where the run's logs go."""
    return shared_folder()


@pytest.fixture
def namespace(control_plane: Cluster) -> Iterator[str]:
    """A fresh namespace; its deletion is begun, not waited for."""
    name = f"test-{secrets.token_hex(4)}"
    path = f"/api/v1/namespaces/{name}"
    control_plane.apply(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    control_plane.delete(path)


@pytest.fixture
def declared(control_plane: Cluster, namespace: str) -> Declared:
    """The test's namespace."""
    return Declared(control_plane, namespace)


@pytest.fixture
def smg_pair(log_dir: Path) -> Iterator[tuple[Smg, Smg]]:
    """Two fresh gateway replicas: they are up within half a second, and no test finds another's entries there."""
    with running(2, log_dir=log_dir) as (first, second):
        yield first, second


@pytest.fixture(scope="session")
def worker_process(log_dir: Path) -> Iterator[WorkerProcess]:
    """The process in which this test process's mock workers are."""
    with WorkerProcess.start(log_dir=log_dir) as process:
        yield process


@pytest.fixture
def mock_workers(worker_process: WorkerProcess) -> Iterator[MockWorkers]:
    """The test's own mock workers: `mock_workers.add("a").url`. A busy event loop does not stop them."""
    workers = MockWorkers(worker_process.url, prefix=f"{secrets.token_hex(4)}-")
    yield workers
    workers.clear()


@pytest.fixture
def start_operator(control_plane: Cluster, namespace: str, log_dir: Path) -> Iterator[Callable[..., Operator]]:
    """Starts an operator for the test's namespace with further arguments; each is ended with the test."""
    started: list[Operator] = []

    def start(*args: str) -> Operator:
        operator = Operator.start(control_plane, "--namespace", namespace, *args, log_dir=log_dir)
        started.append(operator)
        return operator

    yield start
    for operator in started:
        operator.kill()


@pytest.fixture
def operator(start_operator: Callable[..., Operator]) -> Operator:
    """An operator at work in the test's namespace."""
    return start_operator().wait_healthy()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The source of a tokenizer that all replicas can load."""
    return write_tokenizer(tmp_path / "one", "hello", "world")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another one, in which the words are other tokens."""
    return write_tokenizer(tmp_path / "other", "world", "hello")
