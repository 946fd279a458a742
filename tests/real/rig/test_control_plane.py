"""A control plane of one's own: what it gives, what it survives, and that nothing survives it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.control_plane.cluster import Cluster, KubectlError
from rig.control_plane.control_plane import ControlPlane
from rig.control_plane.programs import ensure
from rig.process import NotReadyError
from rig.waiting import eventually

_START_AND_WAIT = """\
import subprocess, sys, time
from pathlib import Path
from rig.control_plane.control_plane import ControlPlane
control_plane = ControlPlane.start(Path(sys.argv[1]))
print("up", flush=True)
time.sleep(600)
"""


def _processes_of(folder: Path) -> list[str]:
    """The command lines that name this folder."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if f"{folder}/bin/" in line]


def _start_owner(folder: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _START_AND_WAIT, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True)


async def test_nothing_runs_on_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    with _start_owner(tmp_path) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        assert len(_processes_of(tmp_path)) == 3

        owner.kill()

    await eventually(lambda: not _processes_of(tmp_path))


def test_the_api_server_comes_back_at_its_address_with_what_it_knew(own_control_plane: ControlPlane) -> None:
    own_control_plane.kubectl("create", "namespace", "kept")

    own_control_plane.stop_api_server()
    was_ready = own_control_plane.is_ready()
    own_control_plane.start_api_server()

    assert not was_ready
    assert own_control_plane.get("/api/v1/namespaces/kept") is not None


def test_a_part_that_does_not_come_up_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "etcd").symlink_to(ensure() / "etcd")
    (tmp_path / "kube-apiserver").write_text("#!/bin/sh\necho I have no mind to >&2\nexit 3\n")
    (tmp_path / "kube-apiserver").chmod(0o755)

    with pytest.raises(NotReadyError, match=r"(?s)kube-apiserver ended with 3 .*I have no mind to"):
        ControlPlane.start(programs=tmp_path)


def test_the_guest_may_do_nothing(control_plane: Cluster) -> None:
    guest = control_plane.kubeconfig_for(control_plane.tokens["guest"])

    with pytest.raises(KubectlError, match=r'User "guest" cannot list resource "namespaces"'):
        control_plane.kubectl("get", "namespaces", kubeconfig=guest)


def test_a_service_account_has_a_token_of_its_own(control_plane: Cluster, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    token = control_plane.kubectl("create", "token", "operator", "-n", namespace).stdout.strip()

    who = control_plane.kubectl(
        "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", kubeconfig=control_plane.kubeconfig_for(token)
    )

    assert who.stdout == f"system:serviceaccount:{namespace}:operator"


def test_requests_are_counted_by_verb_and_subresource(control_plane: Cluster, namespace: str) -> None:
    before = control_plane.api_requests("configmaps", namespace=namespace)

    control_plane.kubectl("create", "configmap", "a", "-n", namespace)
    control_plane.kubectl("label", "configmap", "a", "x=y", "-n", namespace)

    counted = control_plane.api_requests("configmaps", namespace=namespace) - before
    assert counted == {("create", ""): 1, ("get", ""): 1, ("patch", ""): 1}


def test_the_custom_resources_are_known(control_plane: Cluster) -> None:
    listed = control_plane.kubectl("api-resources", "--api-group=herder.dev", "-o", "name").stdout.split()

    assert "workerregistrations.herder.dev" in listed
