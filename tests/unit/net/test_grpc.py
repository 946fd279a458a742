"""gRPC calls to a server on loopback: where they go, how they end, and what is made of every kind of failure."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Self

import grpc
import pytest
import trustme
from aiohttp import web
from grpc_health.v1 import health_pb2

from herder.net.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    Denied,
    Malformed,
    NotGrpc,
    NotTls,
    TlsRefused,
    Unimplemented,
    Unreachable,
)
from herder.net.grpc import Channel, open_channel
from herder.net.tls import Trust
from rig.ports import HOST, reserve_port
from rig.workers.grpc_worker import GrpcWorker
from unit.net.servers import serving

CHECK = "/grpc.health.v1.Health/Check"


@asynccontextmanager
async def channel(worker: GrpcWorker, url: str | None = None, trust: Trust | None = None) -> AsyncIterator[Channel]:
    """Connect to the worker, by whatever name."""
    async with open_channel(url or worker.url, HOST, trust=trust or Trust()) as opened:
        yield opened


async def check(opened: Channel, path: str = CHECK, deadline_s: float = 60.0) -> int:
    answer = await opened.call(
        path, health_pb2.HealthCheckRequest(), health_pb2.HealthCheckResponse, deadline_s=deadline_s
    )
    status: int = answer.status
    return status


@pytest.fixture
def worker() -> Iterator[GrpcWorker]:
    """A healthy worker."""
    with GrpcWorker() as started:
        yield started


async def test_a_call_brings_the_answer(worker: GrpcWorker) -> None:
    async with channel(worker) as opened:
        assert await check(opened) == health_pb2.HealthCheckResponse.SERVING


async def test_it_goes_to_the_address_that_was_judged_whatever_the_name_would_say(worker: GrpcWorker) -> None:
    async with channel(worker, f"grpc://nobody.invalid:{worker.port}") as opened:
        assert await check(opened) == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
async def test_no_proxy_of_the_environment_is_used(
    worker: GrpcWorker, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://{HOST}:{reserve_port()}")
    monkeypatch.delenv("no_proxy", raising=False)

    async with channel(worker) as opened:
        assert await check(opened) == health_pb2.HealthCheckResponse.SERVING


async def test_a_call_that_the_peer_does_not_know_says_so(worker: GrpcWorker) -> None:
    async with channel(worker) as opened:
        with pytest.raises(Unimplemented):
            await check(opened, "/of.nobody/Check")


async def test_a_peer_that_asks_for_a_key_denies(worker: GrpcWorker) -> None:
    worker.api_key = "k3y"

    async with channel(worker) as opened:
        with pytest.raises(Denied):
            await check(opened)


async def test_an_answer_beyond_the_limit_is_not_held(worker: GrpcWorker) -> None:
    worker.model = "m" * (600 << 10)  # it comes twice

    async with channel(worker) as opened:
        with pytest.raises(BodyTooLarge):
            await check(opened, "/vllm.grpc.engine.VllmEngine/GetModelInfo")


class Unreadable:
    """A message that nothing can be."""

    @classmethod
    def FromString(cls, data: bytes, /) -> Self:
        raise ValueError(data)

    def SerializeToString(self) -> bytes:
        return b""


async def test_an_answer_that_is_no_such_message_is_malformed(worker: GrpcWorker) -> None:
    async with channel(worker) as opened:
        with pytest.raises(Malformed):
            await opened.call(CHECK, Unreadable(), Unreadable, deadline_s=60.0)


async def test_nothing_that_listens_is_unreachable() -> None:
    async with open_channel(f"grpc://{HOST}:{reserve_port()}", HOST) as opened:
        with pytest.raises(Unreachable, match="connection refused"):
            await check(opened)


async def test_a_server_that_speaks_http_only_is_told_apart() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with serving(answer) as url, open_channel(url.replace("http", "grpc"), HOST) as opened:
        with pytest.raises(NotGrpc):
            await check(opened)


async def test_a_peer_that_accepts_and_never_answers_is_given_up_in_time() -> None:
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()

        async with open_channel(f"grpc://{HOST}:{silent.getsockname()[1]}", HOST) as opened:
            with pytest.raises(DeadlineExceeded):
                await check(opened, deadline_s=0.3)


@pytest.fixture
def ca() -> trustme.CA:
    """An authority that nobody else trusts."""
    return trustme.CA()


@pytest.fixture
def tls_worker(ca: trustme.CA) -> Iterator[GrpcWorker]:
    """A worker with a certificate for worker.test."""
    certificate = ca.issue_cert("worker.test")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
    with GrpcWorker(credentials=credentials) as started:
        yield started


def trust(ca: trustme.CA) -> Trust:
    return Trust(ca.cert_pem.bytes().decode())


async def test_a_certificate_is_checked_for_the_host_of_the_url(tls_worker: GrpcWorker, ca: trustme.CA) -> None:
    async with channel(tls_worker, f"grpcs://worker.test:{tls_worker.port}", trust(ca)) as opened:
        assert await check(opened) == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("name", ["other.test", "127.0.0.1"])
async def test_a_certificate_for_another_host_is_refused(tls_worker: GrpcWorker, ca: trustme.CA, name: str) -> None:
    async with channel(tls_worker, f"grpcs://{name}:{tls_worker.port}", trust(ca)) as opened:
        with pytest.raises(TlsRefused, match="it is for another name"):
            await check(opened)


async def test_a_certificate_of_an_authority_that_is_not_trusted_is_refused(tls_worker: GrpcWorker) -> None:
    async with channel(tls_worker, f"grpcs://worker.test:{tls_worker.port}", trust(trustme.CA())) as opened:
        with pytest.raises(TlsRefused, match="not trusted"):
            await check(opened)


async def test_a_bundle_without_a_certificate_is_refused() -> None:
    with pytest.raises(TlsRefused):
        async with open_channel("grpcs://worker.test", HOST, trust=Trust("nothing")):
            raise AssertionError("no channel may be made")


async def test_a_worker_without_tls_is_told_apart(worker: GrpcWorker, ca: trustme.CA) -> None:
    async with channel(worker, f"grpcs://worker.test:{worker.port}", trust(ca)) as opened:
        with pytest.raises(NotTls, match="does not speak TLS"):
            await check(opened)
