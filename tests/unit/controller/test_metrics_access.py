"""Who may read metrics: the API server says who somebody is and what they may do, and is not asked again and again."""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from herder.controller.cluster.errors import Unreached
from herder.controller.metrics.access import Gatekeeper, certificate
from herder.controller.metrics.serving import served
from rig.ports import HOST, reserve_port
from unit.controller.fake_kube import FakeKube

READER, STRANGER = "token-of-prometheus", "token-of-somebody"
USER = {"username": "system:serviceaccount:monitoring:prometheus", "uid": "u-1", "groups": ["system:serviceaccounts"]}


class ReviewingKube(FakeKube):
    """Knows two tokens and lets one of them read."""

    def __init__(self) -> None:
        super().__init__()
        self.reviewed: list[tuple[str, Any]] = []
        self.most_at_once = self._at_once = 0
        self.is_away = False

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.is_away:
            raise Unreached("503")
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        self.reviewed.append((str(body["kind"]), body["spec"]))
        if body["kind"] == "TokenReview":
            token = body["spec"]["token"]
            user = {**USER, "username": "somebody"} if token == STRANGER else USER
            return {"status": {"authenticated": token in {READER, STRANGER}, "user": user}}
        return {"status": {"allowed": body["spec"]["user"] == USER["username"]}}


@pytest.fixture
def kube() -> ReviewingKube:
    return ReviewingKube()


SENT: dict[str, tuple[str | None, HTTPStatus]] = {
    "nothing": (None, HTTPStatus.UNAUTHORIZED),
    "no token": ("Bearer ", HTTPStatus.UNAUTHORIZED),
    "another scheme": (f"Basic {READER}", HTTPStatus.UNAUTHORIZED),
    "a token of nobody": ("Bearer nonsense", HTTPStatus.UNAUTHORIZED),
    "a token without end": ("Bearer " + "x" * 20_000, HTTPStatus.UNAUTHORIZED),
    "somebody who may not": (f"Bearer {STRANGER}", HTTPStatus.FORBIDDEN),
    "who may": (f"Bearer {READER}", HTTPStatus.OK),
    "who may, in small letters": (f"bearer {READER}", HTTPStatus.OK),
}


@pytest.mark.parametrize(("authorization", "verdict"), SENT.values(), ids=SENT.keys())
async def test_a_reader_is_known_and_allowed_or_sent_away(
    authorization: str | None, verdict: HTTPStatus, kube: ReviewingKube
) -> None:
    assert await Gatekeeper(kube).judge(authorization) is verdict


async def test_the_api_server_is_asked_whether_this_very_user_may_get_the_path(kube: ReviewingKube) -> None:
    await Gatekeeper(kube).judge(f"Bearer {READER}")

    (_, who), (kind, asked) = kube.reviewed
    assert who == {"token": READER}
    assert kind == "SubjectAccessReview"
    assert asked["nonResourceAttributes"] == {"path": "/metrics", "verb": "get"}
    assert (asked["user"], asked["uid"], asked["groups"]) == tuple(USER.values())


async def test_a_verdict_is_kept_for_a_minute(kube: ReviewingKube) -> None:
    now_s = 0.0
    keeper = Gatekeeper(kube, lambda: now_s)

    await keeper.judge(f"Bearer {READER}")
    now_s = 59.9
    await keeper.judge(f"Bearer {READER}")
    within = len(kube.reviewed)
    now_s = 60.0
    await keeper.judge(f"Bearer {READER}")

    assert (within, len(kube.reviewed)) == (2, 4)


async def test_a_flood_of_strangers_is_none_for_the_api_server(kube: ReviewingKube) -> None:
    keeper = Gatekeeper(kube)

    await asyncio.gather(*(keeper.judge(f"Bearer {number}") for number in range(1000)))

    assert kube.most_at_once <= 4
    assert len(keeper._verdicts) <= 256


async def test_where_the_api_server_is_away_nobody_is_let_in_and_it_is_asked_again(kube: ReviewingKube) -> None:
    keeper = Gatekeeper(kube)

    kube.is_away = True
    first = await keeper.judge(f"Bearer {READER}")
    kube.is_away = False
    second = await keeper.judge(f"Bearer {READER}")

    assert (first, second) == (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK)


async def test_no_token_is_kept(kube: ReviewingKube) -> None:
    keeper = Gatekeeper(kube)

    await keeper.judge(f"Bearer {READER}")

    assert READER not in str(vars(keeper))


def _write(folder: Path, ca: trustme.CA) -> None:
    leaf = ca.issue_cert(HOST)
    (folder / "tls.key").write_bytes(leaf.private_key_pem.bytes())
    (folder / "tls.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


async def test_metrics_are_served_over_https_and_a_certificate_that_is_replaced_is_taken_up(
    kube: ReviewingKube, tmp_path: Path
) -> None:
    former, later, port = trustme.CA(), trustme.CA(), reserve_port()
    _write(tmp_path, former)
    keeper = Gatekeeper(kube)

    async with served(lambda: b"herder 1\n", HOST, port, judge=keeper.judge, tls=certificate(tmp_path)):
        refused = await _get(port, former, "nonsense")
        taken = await _get(port, former, READER)
        _write(tmp_path, later)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await _get(port, later, READER)  # the handshake that notices
        renewed = await _get(port, later, READER)

    assert refused == (401, "")
    assert taken == renewed == (200, "herder 1\n")


async def _get(port: int, ca: trustme.CA, token: str) -> tuple[int, str]:
    tls = ssl.create_default_context()
    ca.configure_trust(tls)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://{HOST}:{port}/metrics", headers=headers, ssl=tls) as response,
    ):
        return response.status, await response.text()


def test_a_folder_without_a_certificate_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        certificate(tmp_path)
