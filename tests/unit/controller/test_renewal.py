"""Credentials that are replaced while herder runs: read again where they are refused, not more often than need be."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from kubernetes_asyncio.client import Configuration
from structlog.testing import capture_logs

from herder.controller.cluster.errors import Unreached
from herder.controller.cluster.kube import Kube
from herder.controller.cluster.login import tls_of
from unit.net.servers import HOST, serving


class Door:
    """An API server that takes one token, and the file that says which herder has."""

    def __init__(self) -> None:
        self.taken = self.in_file = "first"
        self.asked: list[str] = []
        self.read = 0
        self.configuration = Configuration()
        self._load()

    async def answer(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.asked.append(token)
        return web.json_response({"items": []}, status=200 if token == self.taken else 401)

    async def renew(self) -> None:
        self.read += 1
        self._load()

    def _load(self) -> None:
        self.configuration.api_key["BearerToken"] = f"Bearer {self.in_file}"

    @asynccontextmanager
    async def kube(self) -> AsyncIterator[Kube]:
        async with serving(self.answer) as url:
            self.configuration.host = url
            async with Kube(self.configuration, renew=self.renew) as kube:
                yield kube


async def test_a_token_that_is_refused_is_read_again_and_the_call_made_again() -> None:
    door = Door()
    async with door.kube() as kube:
        await kube.get("/a")
        door.taken = door.in_file = "second"
        await kube.get("/b")
        await kube.get("/c")

    assert (door.asked, door.read) == (["first", "first", "second", "second"], 1)


async def test_where_there_is_no_other_token_the_call_is_made_once() -> None:
    door = Door()
    async with door.kube() as kube:
        door.taken = "second"
        for _ in range(3):
            with pytest.raises(Unreached):
                await kube.get("/a")

    assert (door.asked, door.read) == (["first"] * 3, 1)


async def test_a_watch_that_is_refused_has_the_token_read_for_the_next_one() -> None:
    door = Door()
    async with door.kube() as kube:
        door.taken = door.in_file = "second"
        with pytest.raises(Unreached):
            [change async for change in kube.changes("/a", selector="x=y")]
        async for _ in kube.changes("/a", selector="x=y"):
            break

    assert door.asked == ["first", "second"]


async def test_an_authority_that_is_replaced_is_trusted_once_its_file_says_so(tmp_path: Path) -> None:
    former, later, file = trustme.CA(), trustme.CA(), tmp_path / "ca.crt"
    former.cert_pem.write_to_path(str(file))
    door = Door()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    later.issue_cert(HOST).configure_cert(tls)
    async with serving(door.answer, tls) as url:
        door.configuration.host, door.configuration.ssl_ca_cert = url, str(file)
        async with Kube(door.configuration, renew=door.renew) as kube:
            with pytest.raises(Unreached):
                await kube.get("/a")
            later.cert_pem.write_to_path(str(file))
            answer = await kube.get("/b")

    assert answer == {"items": []}


def test_a_server_that_is_not_verified_is_warned_of() -> None:
    configuration = Configuration()

    with capture_logs() as lines:
        verified = tls_of(configuration)
        said = list(lines)
        configuration.verify_ssl = False
        unverified = tls_of(configuration)

    assert said == []
    assert (verified.verify_mode, verified.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert verified.minimum_version is ssl.TLSVersion.TLSv1_2
    assert unverified.verify_mode is ssl.CERT_NONE
    assert [(line["log_level"], line["event"]) for line in lines] == [("warning", "api_server.unverified")]
