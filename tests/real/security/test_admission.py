"""What is wrong is refused by the API server itself: no operator runs here, and there is no webhook."""

import json

import pytest

from herder.api.meta import MCP_SERVER, MODEL_GATEWAY, TOKENIZER, WASM_MODULE, WORKER_REGISTRATION
from rig.control_plane.cluster import Cluster
from unit.api.manifests import GATEWAY, MODULE, SERVER, TOKENS, WORKER, Case, as_params

WRONG = (
    Case("user info", WORKER_REGISTRATION, {**WORKER, "url": "http://user:password@10.0.0.7"}, says="leave out user"),
    Case("another scheme", WORKER_REGISTRATION, {**WORKER, "url": "ipc:///tmp/worker"}, says="start it with http://"),
    Case("a fragment", MODEL_GATEWAY, {**GATEWAY, "endpoints": ["http://10.0.0.1/#x"]}, says="fragment"),
    Case("a program", MCP_SERVER, {**SERVER, "transport": {"type": "Stdio", "url": "http://h"}}, says="StreamableHTTP"),
    Case("a file of the system", WASM_MODULE, {**MODULE, "source": {"path": "/etc/a.wasm"}}, says="outside of /etc"),
    Case("up the tree", TOKENIZER, {**TOKENS, "source": "/srv/../etc/shadow"}, says="without . and .."),
    Case("a label of ours", WORKER_REGISTRATION, {**WORKER, "labels": {"herder.dev/owner": "x"}}, says="leave it out"),
    Case("too much", WORKER_REGISTRATION, {**WORKER, "labels": {"a": "x" * (1 << 20)}}, says="4096"),
)


@pytest.mark.parametrize("case", as_params(WRONG))
def test_what_is_wrong_is_refused_though_no_operator_runs(case: Case, control_plane: Cluster, namespace: str) -> None:
    text = json.dumps(case.manifest(namespace))

    done = control_plane.kubectl("create", "--dry-run=server", "-f", "-", input=text, check=False)

    assert done.returncode != 0
    assert case.says.lower() in done.stderr.lower()


def test_nobody_but_the_api_server_judges(control_plane: Cluster) -> None:
    for kind in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
        found = control_plane.get(f"/apis/admissionregistration.k8s.io/v1/{kind}")
        assert found is not None
        assert found["items"] == []
