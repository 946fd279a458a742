"""A running control plane as its users see it: made from its folder alone, so that any process can have one."""

import http.client
import json
import os
import ssl
import subprocess
from collections import Counter
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from rig.control_plane.access import ADMIN, read_tokens, write_kubeconfig
from rig.control_plane.api_client import ApiClient, ApiError
from rig.control_plane.audit import ApiRequest, count, read_requests
from rig.web import is_ok


class KubectlError(RuntimeError):
    """kubectl ended with another code than 0; the message holds what it said."""


class Cluster:
    """`server` is its https URL, `ca_file` checks its certificate, `token` is the administrator's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.ca_file = folder / "certs" / "apiserver.crt"
        self.kubeconfig = folder / "kubeconfig"
        self.audit_log = folder / "audit.log"

    @cached_property
    def server(self) -> str:
        """The API server's URL; the same after its restart."""
        config = json.loads(self.kubeconfig.read_text())
        return str(config["clusters"][0]["cluster"]["server"])

    @cached_property
    def tokens(self) -> dict[str, str]:
        """Bearer tokens by user: "admin", and "guest", who may do nothing until RBAC says so."""
        return read_tokens(self.folder / "tokens.csv")

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self.tokens[ADMIN.name]

    def kubeconfig_for(self, token: str) -> Path:
        """A kubeconfig for another token, e.g. of a ServiceAccount."""
        path = self.folder / f"kubeconfig-{sha256(token.encode()).hexdigest()[:12]}"
        write_kubeconfig(path, server=self.server, ca_file=self.ca_file, token=token)
        return path

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - named as subprocess.run names it
        check: bool = True,
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator, or as `kubeconfig` says. Raises KubectlError when `check` and it failed."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl-cache"),
        }
        argv = [str(self.programs / "kubectl"), *args]
        done = subprocess.run(argv, input=input, capture_output=True, text=True, env=environment, check=False)
        if check and done.returncode:
            raise KubectlError(f"kubectl {' '.join(args)} ended with {done.returncode}:\n{done.stderr or done.stdout}")
        return done

    def get(self, path: str) -> dict[str, Any] | None:
        """GET an API path, e.g. "/api/v1/namespaces/default", as the administrator; None for 404.

        Takes a few milliseconds where kubectl takes a hundred. Raises OSError for other failures.
        """
        try:
            return self._api.call("GET", path)
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def apply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Server-side apply of one object, as `kubectl apply --server-side --force-conflicts` does, without its start.

        Raises ApiError for what the API server refuses.
        """
        query = "fieldManager=test&force=true"
        return self._api.call("PATCH", f"{path}?{query}", body, "application/apply-patch+yaml")

    def merge_patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Apply a JSON merge patch to one object."""
        return self._api.call("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Ask for the deletion of an object, without waiting for it."""
        self._api.call("DELETE", path)

    def is_allowed(self, user: str, **attributes: str) -> bool:
        """Whether RBAC lets a user do something by now: what was granted counts a moment later than it was written.

        `attributes` are those of a request for a resource, or, with `path`, for another URL.
        """
        field = "nonResourceAttributes" if "path" in attributes else "resourceAttributes"
        review = {"kind": "SubjectAccessReview", "spec": {"user": user, field: attributes}}
        answer = self._api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    def is_ready(self) -> bool:
        """Whether the API server says so itself."""
        try:
            return is_ok(f"{self.server}/readyz", tls=self._tls)
        except OSError:  # its certificate is not written yet, or half
            return False

    def requests(self, *, resource: str, namespace: str | None = None, user: str | None = None) -> list[ApiRequest]:
        """What the API server was asked about a resource (plural name) since its first start, in order.

        Requests of the API server itself and of the controller manager are left out.
        """
        return [
            request
            for request in read_requests(self.audit_log)
            if request.resource == resource and namespace in {None, request.namespace} and user in {None, request.user}
        ]

    def api_requests(
        self, resource: str, *, namespace: str | None = None, user: str | None = None
    ) -> Counter[tuple[str, str]]:
        """How many requests of each (verb, subresource); two such counts can be subtracted."""
        return count(self.requests(resource=resource, namespace=namespace, user=user))

    @cached_property
    def _api(self) -> ApiClient:
        return ApiClient(self.server, self.token, self.ca_file)

    @property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))
