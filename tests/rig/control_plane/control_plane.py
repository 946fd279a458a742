"""Starts and ends a control plane: etcd, kube-apiserver, kube-controller-manager, on free ports of 127.0.0.1.

FOLDER/bin -> programs    kubeconfig    tokens.csv    sa.key    certs/    etcd/    audit.log    etcd.log …
"""

import shutil
import tempfile
from pathlib import Path
from typing import Self

from rig.control_plane.access import (
    ADMIN,
    CONTROLLER_MANAGER,
    read_tokens,
    write_kubeconfig,
    write_signing_key,
    write_tokens,
)
from rig.control_plane.audit import AUDIT_POLICY
from rig.control_plane.cluster import Cluster
from rig.control_plane.programs import ensure
from rig.ports import HOST, reserve_port
from rig.process import Process
from rig.stopping import Stoppable

_READY_WITHIN_S = 120.0


class ControlPlane(Cluster, Stoppable):
    """A control plane of one's own. Use it as a context manager, or call stop(); it dies with this process anyway."""

    def __init__(self, folder: Path, *, owns_folder: bool) -> None:
        super().__init__(folder)
        self._owns_folder = owns_folder
        self._etcd_url = f"http://{HOST}:{reserve_port()}"
        self._api_port = reserve_port()
        self._etcd: Process | None = None
        self._api_server: Process | None = None
        self._controller_manager: Process | None = None

    @classmethod
    def start(cls, folder: Path | None = None, programs: Path | None = None) -> Self:
        """Start one and wait until it is ready.

        Its state and its logs lie in `folder`; without one in a temporary folder, which goes at the stop. `programs` is
        where etcd and the others are; without it `ensure` says so.

        Raises NotReadyError with the end of the log of the part that did not come up.
        """
        owns_folder = folder is None
        folder = folder or Path(tempfile.mkdtemp(prefix="herder-control-plane-"))
        control_plane = cls(folder, owns_folder=owns_folder)
        control_plane._prepare(programs or ensure())
        try:
            control_plane._start_etcd()
            control_plane.start_api_server()
            control_plane._start_controller_manager()
        except BaseException:
            control_plane.stop()
            raise
        return control_plane

    def stop(self) -> None:
        """End all three at once; their state goes, the logs of a folder that the caller named stay."""
        for part in (self._controller_manager, self._api_server, self._etcd):
            if part:
                part.kill()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)
        if self._owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start_api_server(self) -> None:
        """Start it, again at the address it had, and wait until it is ready."""
        self._api_server = Process.start(self._api_server_argv(), self.folder / "kube-apiserver.log")
        self._api_server.wait_ready(self.is_ready, _READY_WITHIN_S)

    def stop_api_server(self) -> None:
        """Make the API server vanish (SIGKILL), as for a client whose server's machine dies."""
        if self._api_server:
            self._api_server.kill()

    def _prepare(self, programs: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # tokens and keys lie in it
        self.programs.symlink_to(programs.resolve())
        tokens = self.folder / "tokens.csv"
        write_tokens(tokens)
        write_signing_key(self.folder / "sa.key")
        (self.folder / "audit-policy.yaml").write_text(AUDIT_POLICY)
        self.audit_log.touch()
        server = f"https://{HOST}:{self._api_port}"
        for path, user in ((self.kubeconfig, ADMIN), (self._controller_manager_kubeconfig, CONTROLLER_MANAGER)):
            write_kubeconfig(path, server=server, ca_file=self.ca_file, token=read_tokens(tokens)[user.name])

    @property
    def _controller_manager_kubeconfig(self) -> Path:
        return self.folder / "kubeconfig-controller-manager"

    def _start_etcd(self) -> None:
        peer_url = f"http://{HOST}:{reserve_port()}"
        argv: list[str | Path] = [
            self.programs / "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peer_url}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        self._etcd = Process.start(argv, self.folder / "etcd.log")

    def _api_server_argv(self) -> list[str | Path]:
        return [
            self.programs / "kube-apiserver",
            f"--etcd-servers={self._etcd_url}",
            f"--bind-address={HOST}",
            f"--secure-port={self._api_port}",
            f"--cert-dir={self.folder / 'certs'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={self.folder / 'sa.key'}",
            f"--service-account-signing-key-file={self.folder / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",  # pods need no token here
            f"--audit-policy-file={self.folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",
        ]

    def _start_controller_manager(self) -> None:
        argv: list[str | Path] = [
            self.programs / "kube-controller-manager",
            f"--kubeconfig={self._controller_manager_kubeconfig}",
            f"--service-account-private-key-file={self.folder / 'sa.key'}",
            "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=200",  # emptying a namespace takes some 100 calls, and there are many
            "--kube-api-burst=400",
        ]
        self._controller_manager = Process.start(argv, self.folder / "kube-controller-manager.log")
        self._controller_manager.wait_ready(self._has_default_service_account, _READY_WITHIN_S)

    def _has_default_service_account(self) -> bool:
        """The controller manager's own answer to "are you at work?"."""
        return self.get("/api/v1/namespaces/default/serviceaccounts/default") is not None
