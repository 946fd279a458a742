"""Metrics are shown to whom the real API server knows and lets read them; and no label holds a secret or a URL."""

import re
import urllib.error
from collections.abc import Callable
from typing import Final

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.web import fetch
from rig.workers import MockWorkers

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def token_of(control_plane: Cluster, namespace: str) -> Callable[[str], str]:
    """Makes a ServiceAccount and returns a token of it."""

    def make(name: str) -> str:
        control_plane.kubectl("create", "serviceaccount", name, "-n", namespace)
        return control_plane.kubectl("create", "token", name, "-n", namespace).stdout.strip()

    return make


def _status(url: str, token: str | None) -> int:
    try:
        fetch(url, token=token)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


async def test_metrics_are_for_whom_the_api_server_lets_read_them(
    control_plane: Cluster, namespace: str, start_operator: Callable[..., Operator], token_of: Callable[[str], str]
) -> None:
    operator = start_operator("--metrics-secure", "--log-level", "debug").wait_healthy()
    reader, stranger = token_of("reader"), token_of("stranger")
    role, account = f"metrics-of-{namespace}", f"--serviceaccount={namespace}:reader"
    control_plane.kubectl("create", "clusterrole", role, "--verb=get", "--non-resource-url=/metrics")
    control_plane.kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", account)
    try:
        user = f"system:serviceaccount:{namespace}:reader"
        await eventually(lambda: control_plane.is_allowed(user, verb="get", path="/metrics"))
        statuses = [_status(operator.metrics_url, token) for token in (None, "nonsense", stranger, reader)]
    finally:
        control_plane.kubectl("delete", "clusterrolebinding,clusterrole", role)

    log = operator.log.read_text()
    assert statuses == [401, 401, 403, 200]
    assert reader not in log
    assert stranger not in log


async def test_no_label_holds_a_url_a_secret_or_an_entry_s_id(
    declared: Declared, smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers, operator: Operator
) -> None:
    declared.secret("key", token="canary-8c1e")
    declared.gateway(smg_pair)
    urls = [mock_workers.add(name).url for name in "ab"]
    for name, url in zip("ab", urls, strict=True):
        declared.worker(name, url, apiKeySecretRef={"name": "key", "key": "token"})
    for name in "ab":
        await declared.until(name, reason="Registered", timeout_s=30)
    declared.delete("b")
    await declared.until_gone("b", timeout_s=30)

    text = fetch(operator.metrics_url).decode()

    assert 'method="DELETE",result="202",route="/workers/{id}"' in text
    assert _UUID.search(text) is None
    assert [word for word in ("canary", "http://", "127.0.0.1", *urls) if word in text] == []


async def test_nothing_else_is_served(operator: Operator) -> None:
    ports = [url.rpartition("/")[0] for url in (operator.metrics_url, operator.health_url)]
    paths = ("", "debug", "debug/pprof", "env", "config", "metrics/../debug", "admin", "shutdown", "kopf", "api")

    answers = {f"{port}/{path}": _status(f"{port}/{path}", None) for port in ports for path in paths}

    assert {url: status for url, status in answers.items() if status != 404} == {}
