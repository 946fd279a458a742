"""Nobody gets through on an unfit certificate: not as a gateway, a worker, an MCP server or a gRPC worker."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
import trustme
from aiohttp import web
from grpc_health.v1 import health_pb2

from herder.gateway.errors import Refused
from herder.gateway.replica import Replica
from herder.net import tls
from herder.net.address import AddressPolicy
from herder.net.errors import TlsRefused
from herder.net.grpc import open_channel
from herder.net.http import Http
from herder.net.mcp import McpClient, McpEndpoint, McpRefused
from herder.net.tls import Trust
from herder.workflows.probing import Prober
from rig.workers.grpc_worker import GrpcWorker
from unit.net.servers import HOST, serving


@dataclass(frozen=True)
class Identity:
    """What a server shows: a chain of certificates and the key, in PEM."""

    chain: bytes
    key: bytes

    def context(self, folder: Path) -> ssl.SSLContext:
        """For a server that speaks HTTPS."""
        (folder / "server.pem").write_bytes(self.key + self.chain)
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.load_cert_chain(folder / "server.pem")
        return made


def _of(leaf: trustme.LeafCert) -> Identity:
    return Identity(b"".join(blob.bytes() for blob in leaf.cert_chain_pems), leaf.private_key_pem.bytes())


def _fit(ca: trustme.CA) -> Identity:
    return _of(ca.issue_cert(HOST))


UNFIT: dict[str, Callable[[trustme.CA], Identity]] = {
    "another authority": lambda _: _of(trustme.CA().issue_cert(HOST)),
    "expired": lambda ca: _of(ca.issue_cert(HOST, not_after=datetime(2020, 1, 1, tzinfo=UTC))),
    "not yet valid": lambda ca: _of(ca.issue_cert(HOST, not_before=datetime(2999, 1, 1, tzinfo=UTC))),
    "another name": lambda ca: _of(ca.issue_cert("other.example")),
    "another address": lambda ca: _of(ca.issue_cert("127.0.0.2")),
    "self-signed": lambda _: _self_signed(trustme.CA()),
}


def _self_signed(ca: trustme.CA) -> Identity:
    return Identity(ca.cert_pem.bytes(), ca.private_key_pem.bytes())


@pytest.fixture
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """The one authority that this system trusts."""
    made, file = trustme.CA(), tmp_path / "authorities.pem"
    made.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls.context.cache_clear()
    yield made
    tls.context.cache_clear()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(AddressPolicy(allow_loopback=True)) as opened:
        yield opened


async def _gateway(http: Http, url: str, ca: trustme.CA) -> None:
    replica = Replica(url, http, api_key="canary", trust=Trust(ca.cert_pem.bytes().decode()))
    await replica.list_workers()


async def _worker(http: Http, url: str, _ca: trustme.CA) -> None:
    await Prober(http).list_models(url, "canary")


async def _mcp(http: Http, url: str, _ca: trustme.CA) -> None:
    await McpClient(http).greet(McpEndpoint(f"{url}/mcp", {"Authorization": "Bearer canary"}))


WAYS: dict[str, tuple[Callable[[Http, str, trustme.CA], Awaitable[None]], type[Exception]]] = {
    "gateway": (_gateway, Refused),
    "worker": (_worker, TlsRefused),
    "mcp server": (_mcp, TlsRefused),
}


@asynccontextmanager
async def _peer(identity: Identity, folder: Path) -> AsyncIterator[tuple[str, list[str]]]:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization", ""))
        return web.json_response({"workers": [], "data": []})

    async with serving(answer, identity.context(folder)) as url:
        yield url, asked


@pytest.mark.parametrize(("way", "refusal"), WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("identity", UNFIT.values(), ids=UNFIT.keys())
async def test_an_unfit_certificate_is_refused_before_anything_is_sent(
    way: Callable[[Http, str, trustme.CA], Awaitable[None]],
    refusal: type[Exception],
    identity: Callable[[trustme.CA], Identity],
    ca: trustme.CA,
    http: Http,
    tmp_path: Path,
) -> None:
    async with _peer(identity(ca), tmp_path) as (url, asked):
        with pytest.raises(refusal, match="the certificate is refused"):
            await way(http, url, ca)

    assert asked == []


@pytest.mark.parametrize("way", [way for way, _ in WAYS.values()], ids=WAYS.keys())
async def test_a_fit_one_is_taken(
    way: Callable[[Http, str, trustme.CA], Awaitable[None]], ca: trustme.CA, http: Http, tmp_path: Path
) -> None:
    async with _peer(_fit(ca), tmp_path) as (url, asked):
        with suppress(McpRefused):  # what answers is no MCP server
            await way(http, url, ca)

    assert asked[0] == "Bearer canary"


async def _check(identity: Identity) -> int:
    credentials = grpc.ssl_server_credentials([(identity.key, identity.chain)])
    with GrpcWorker(credentials=credentials) as worker:
        async with open_channel(f"grpcs://{HOST}:{worker.port}", HOST) as channel:
            answer = await channel.call(
                "/grpc.health.v1.Health/Check",
                health_pb2.HealthCheckRequest(),
                health_pb2.HealthCheckResponse,
                deadline_s=30.0,
            )
    status: int = answer.status
    return status


@pytest.mark.parametrize("identity", UNFIT.values(), ids=UNFIT.keys())
async def test_a_grpc_worker_s_unfit_certificate_is_refused(
    identity: Callable[[trustme.CA], Identity], ca: trustme.CA
) -> None:
    with pytest.raises(TlsRefused):
        await _check(identity(ca))


async def test_a_grpc_worker_s_fit_one_is_taken(ca: trustme.CA) -> None:
    assert await _check(_fit(ca)) == health_pb2.HealthCheckResponse.SERVING
