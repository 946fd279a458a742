"""What is replaced while herder runs is taken up without a restart: its own token, and a gateway's key."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.control_plane.cluster import Cluster
from rig.control_plane.control_plane import ControlPlane
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually, wait_for_condition
from rig.workers import MockWorkers

TEAM = "team"


class Tokens:
    """Tokens of a ServiceAccount that may do everything; each ends with a Secret that it is bound to."""

    def __init__(self, cluster: ControlPlane, file: Path) -> None:
        self._cluster = cluster
        self.file = file
        cluster.kubectl("create", "serviceaccount", "herder", "-n", TEAM)
        cluster.kubectl(
            "create", "clusterrolebinding", "herder", "--clusterrole=cluster-admin", f"--serviceaccount={TEAM}:herder"
        )

    def may_work(self) -> bool:
        """Whether the account has its rights by now."""
        return self._cluster.is_allowed(f"system:serviceaccount:{TEAM}:herder", verb="get", path="/metrics")

    def issue(self, name: str) -> str:
        """Write a fresh token into the file, as the kubelet does."""
        self._cluster.kubectl("create", "secret", "generic", name, "-n", TEAM)
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={name}", "--duration=10m")
        token = self._cluster.kubectl("create", "token", "herder", "-n", TEAM, *bound).stdout.strip()
        self.file.write_text(token)
        return token

    def revoke(self, name: str) -> None:
        """End a token's time, without waiting: the API server remembers its verdict for some seconds."""
        self._cluster.kubectl("delete", "secret", name, "-n", TEAM)

    def is_refused(self, token: str) -> bool:
        """Whether the API server takes a token no longer."""
        done = self._cluster.kubectl("get", "namespaces", kubeconfig=self._cluster.kubeconfig_for(token), check=False)
        return "Unauthorized" in done.stderr or "must be logged in" in done.stderr

    def kubeconfig(self, path: Path) -> Path:
        """A kubeconfig that names the file."""
        config = json.loads(self._cluster.kubeconfig.read_text())
        config["users"][0]["user"] = {"tokenFile": str(self.file)}
        path.write_text(json.dumps(config))
        return path


@pytest.fixture
async def tokens(own_control_plane: ControlPlane, tmp_path: Path) -> Tokens:
    own_control_plane.kubectl("create", "namespace", TEAM)
    made = Tokens(own_control_plane, tmp_path / "token")
    await eventually(made.may_work)
    return made


@pytest.fixture
def restricted(own_control_plane: ControlPlane, tokens: Tokens, tmp_path: Path) -> Iterator[tuple[Operator, str]]:
    """An operator that has its token from the file, and that token."""
    first = tokens.issue("first")
    operator = Operator.start(own_control_plane, kubeconfig=tokens.kubeconfig(tmp_path / "config"), log_dir=tmp_path)
    try:
        yield operator.wait_healthy(), first
    finally:
        operator.kill()


async def test_a_token_that_is_replaced_and_revoked_stops_nothing(
    own_control_plane: ControlPlane,
    tokens: Tokens,
    restricted: tuple[Operator, str],
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
) -> None:
    operator, first = restricted
    declared = Declared(own_control_plane, TEAM)
    declared.gateway(smg_pair)
    declared.worker("a", mock_workers.add("a").url)
    await declared.until("a", reason="Registered", timeout_s=15)

    second = tokens.issue("second")
    tokens.revoke("first")
    await eventually(lambda: tokens.is_refused(first), timeout_s=20)
    declared.worker("b", mock_workers.add("b").url)
    await declared.until("b", reason="Registered", timeout_s=20)
    own_control_plane.stop_api_server()  # each watch has to be opened anew, with the token as it is now
    own_control_plane.start_api_server()
    declared.worker("c", mock_workers.add("c").url)
    await declared.until("c", reason="Registered", timeout_s=15)

    log = operator.log.read_text()
    assert operator.process.returncode is None
    await eventually(operator.is_healthy, 15)
    assert "reconcile.failed" not in log
    assert "Traceback" not in log
    assert first not in log
    assert second not in log


async def test_a_gateway_s_key_that_is_replaced_is_used_from_then_on(
    declared: Declared, control_plane: Cluster, operator: Operator, mock_workers: MockWorkers
) -> None:
    former = Smg.start(api_key="canary-former")
    later = None
    try:
        declared.secret("key", token="canary-former")
        declared.gateway([former], auth={"apiKeySecretRef": {"name": "key", "key": "token"}})
        declared.worker("a", mock_workers.add("a").url)
        await declared.until("a", reason="Registered", timeout_s=20)
        former.kill()
        later = Smg.start(port=int(former.url.rpartition(":")[2]), api_key="canary-later")
        path = declared.path("gw", "modelgateways")
        await wait_for_condition(control_plane, path, "Ready", status="False", reason="GatewayRefuses", timeout_s=20)

        declared.secret("key", token="canary-later")
        await declared.until("a", reason="Registered", timeout_s=20)
    finally:
        former.kill()
        if later is not None:
            later.kill()
