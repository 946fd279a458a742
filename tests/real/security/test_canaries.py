"""A canary in each Secret, peers that repeat whatever they are sent, and herder at its most talkative: none is seen.

What is searched: the log at debug level, every object of the namespace with its status and annotations, Events,
ConfigMaps, /metrics, /healthz and the command line of the process.
"""

import secrets
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.listener import Listener, listening
from rig.operator_process import Operator
from rig.ports import HOST
from rig.waiting import eventually
from rig.web import fetch
from rig.workers import MockWorkers, Script

STATUSES = (200, 400, 401, 403, 404, 409, 422, 429, 500, 503)
KINDS = ("modelgateways", "workerregistrations", "mcpservers")


@dataclass(frozen=True)
class Place:
    """A resource that has herder send a secret somewhere; `listener` is where, if anybody there remembers."""

    plural: str
    name: str
    canary: str
    listener: Listener | None


class Nest:
    """Declares resources, each with a Secret of its own that holds a canary of its own."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.places: list[Place] = []

    def gateway(self, name: str, listener: Listener, url: str = "", **spec: object) -> None:
        canary = self._secret(name)
        fields = {"endpoints": [url or listener.url], "auth": {"apiKeySecretRef": _key(name)}, "resyncSeconds": 1}
        self.declared.apply("ModelGateway", name, {**fields, **spec})
        self.places.append(Place("modelgateways", name, canary, None if url or spec else listener))

    def worker(self, name: str, url: str, listener: Listener | None, **spec: object) -> None:
        canary = self._secret(name)
        self.declared.worker(name, url, apiKeySecretRef=_key(name), startup={"timeoutSeconds": 5}, **spec)
        self.places.append(Place("workerregistrations", name, canary, listener))

    def server(self, name: str, listener: Listener, prefix: str = "") -> None:
        canary = _canary(name)
        self.declared.secret(name, **{"Authorization": prefix + canary, "X-Other": canary[::-1]})
        spec = {"gatewayRef": {"name": "gw"}, "transport": {"url": f"{listener.url}/{name}"}}
        self.declared.apply("McpServer", name, {**spec, "headersSecretRef": {"name": name}, "required": True})
        self.places.append(Place("mcpservers", name, canary, listener))

    def _secret(self, name: str) -> str:
        canary = _canary(name)
        self.declared.secret(name, token=f"{canary}\n", unread=_canary("unread"))
        return canary

    def has_spoken(self, place: Place) -> bool:
        """Whether herder has sent the secret, where that can be told, and has said something of the resource."""
        found = self.declared.cluster.get(self.declared.path(place.name, place.plural)) or {}
        is_sent = place.listener is None or place.listener.heard(place.canary)
        return is_sent and bool(found.get("status", {}).get("conditions"))


def _canary(name: str) -> str:
    return f"canary-{name}-{secrets.token_hex(6)}"


def _key(name: str) -> dict[str, str]:
    return {"name": name, "key": "token"}


@pytest.fixture
def echoes() -> Iterator[dict[int, Listener]]:
    """For each status a peer that answers it, and repeats all that it was sent."""
    with ExitStack() as stack:
        yield {status: stack.enter_context(listening(Listener(status, echoes=True))) for status in STATUSES}


@pytest.fixture
def untrusted() -> Iterator[tuple[Listener, Listener]]:
    """Peers whose certificate nobody trusts."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert(HOST).configure_cert(tls)
    with listening(Listener(), tls) as first, listening(Listener(), tls) as second:
        yield first, second


async def test_no_secret_is_seen_anywhere(
    declared: Declared,
    control_plane: Cluster,
    start_operator: Callable[..., Operator],
    mock_workers: MockWorkers,
    echoes: dict[int, Listener],
    untrusted: tuple[Listener, Listener],
    log_dir: Path,
) -> None:
    nest, own_key = Nest(declared), _canary("own")
    operator = start_operator("--log-level", "debug", "--log-format", "json").wait_healthy()
    replica = Smg.start(api_key=own_key, log_dir=log_dir)
    try:
        declared.secret("own", token=own_key)
        declared.gateway([replica], auth={"apiKeySecretRef": _key("own")}, mcp={"headers": "Variables"})
        nest.worker("right", mock_workers.add("right", Script(api_key="x")).url, None)
        for status, peer in echoes.items():
            nest.gateway(f"gateway-{status}", peer)
            nest.worker(f"worker-{status}", f"{peer.url}/w", peer)
            nest.worker(f"provider-{status}", f"{peer.url}/p", None, runtime="External", models=["m"])
            nest.server(f"mcp-{status}", peer, prefix="Bearer " if status % 2 else "")
        ca = trustme.CA()
        declared.secret("ca", pem=f"{ca.private_key_pem.bytes().decode()}\n{ca.cert_pem.bytes().decode()}")
        nest.gateway("no-tls", untrusted[0])
        nest.gateway("other-tls", untrusted[1], tls={"caSecretRef": {"name": "ca", "key": "pem"}})
        nest.gateway("closed", untrusted[0], url=f"http://{HOST}:1")

        unheard = [place for place in nest.places if place.listener not in untrusted]
        await eventually(lambda: _all_spoken(nest, unheard), timeout_s=60)
        seen = {
            "log": operator.log.read_text(),
            "objects": _dump(control_plane, declared.namespace, *KINDS),
            "events": _dump(control_plane, declared.namespace, "events"),
            "config maps": _dump(control_plane, declared.namespace, "configmaps"),
            "metrics": fetch(operator.metrics_url).decode(),
            "health": fetch(operator.health_url).decode(),
            "process": _command_line(operator.process.pid),
        }
    finally:
        replica.kill()

    heard = [place for place in nest.places if place.listener is not None and place.listener.heard(place.canary)]
    private = ca.private_key_pem.bytes().decode().splitlines()[1]
    assert len(heard) >= 20
    assert {where: text for where, text in seen.items() if "canary" in text or "yranac" in text} == {}
    assert [where for where, text in seen.items() if private in text] == []
    assert all(seen[where] for where in ("log", "objects", "events", "metrics"))
    assert [peer.requests for peer in untrusted] == [[], []]


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def _all_spoken(nest: Nest, places: list[Place]) -> bool:
    silent = [place.name for place in places if not nest.has_spoken(place)]
    assert not silent, f"nothing yet of {silent}"
    return True


def _dump(cluster: Cluster, namespace: str, *plurals: str) -> str:
    return cluster.kubectl("get", ",".join(plurals), "-n", namespace, "-o", "yaml", "--show-managed-fields").stdout
