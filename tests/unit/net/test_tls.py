"""TLS: who is trusted is what was given, and nobody gets through on an unfit certificate."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import trustme
from aiohttp import web

from herder.net.address import AddressPolicy
from herder.net.errors import NetError, NotTls, TlsRefused
from herder.net.http import Http
from herder.net.tls import SYSTEM_TRUST, Trust, context
from unit.net.servers import HOST, serving

DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(AddressPolicy(allow_loopback=True)) as opened:
        yield opened


async def _ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


def _server_side(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(made)
    return made


def _trust(ca: trustme.CA) -> Trust:
    return Trust(ca.cert_pem.bytes().decode())


async def test_a_certificate_of_the_given_authority_is_accepted(http: Http, ca: trustme.CA) -> None:
    async with serving(_ok, _server_side(ca.issue_cert(HOST))) as url:
        answer = await http.request("GET", url, deadline_s=DEADLINE_S, trust=_trust(ca))

    assert answer.body == b"ok"


async def test_a_connection_of_one_trust_is_not_reused_for_another(http: Http, ca: trustme.CA) -> None:
    async with serving(_ok, _server_side(ca.issue_cert(HOST))) as url:
        await http.request("GET", url, deadline_s=DEADLINE_S, trust=_trust(ca))

        with pytest.raises(TlsRefused):
            await http.request("GET", url, deadline_s=DEADLINE_S)


async def test_a_server_reached_by_its_address_is_known_by_the_name_that_its_certificate_must_bear(
    http: Http, ca: trustme.CA
) -> None:
    pem = ca.cert_pem.bytes().decode()
    async with serving(_ok, _server_side(ca.issue_cert("gw.team.svc"))) as url:
        answer = await http.request("GET", url, deadline_s=DEADLINE_S, trust=Trust(pem, "gw.team.svc"))

        for trust in (Trust(pem), Trust(pem, "other.team.svc")):
            with pytest.raises(TlsRefused, match="the certificate is refused"):
                await http.request("GET", url, deadline_s=DEADLINE_S, trust=trust)

    assert answer.body == b"ok"


EXPIRED = datetime(2020, 1, 1, tzinfo=UTC)
REFUSED = {
    "system trust": ({"identities": (HOST,)}, False, "unable to get local issuer certificate"),
    "another name": ({"identities": ("other.example",)}, True, "IP address mismatch"),
    "expired": ({"identities": (HOST,), "not_after": EXPIRED}, True, "certificate has expired"),
}


@pytest.mark.parametrize(("leaf", "is_trusted", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_an_unfit_certificate_is_refused_with_its_fault(
    http: Http, ca: trustme.CA, leaf: dict[str, object], is_trusted: bool, reason: str
) -> None:
    identities = leaf["identities"]
    assert isinstance(identities, tuple)
    not_after = leaf.get("not_after")
    assert not_after is None or isinstance(not_after, datetime)
    certificate = ca.issue_cert(*identities, not_after=not_after)

    async with serving(_ok, _server_side(certificate)) as url:
        with pytest.raises(TlsRefused, match=f"^{url}: the certificate is refused: {reason}") as caught:
            await http.request("GET", url, deadline_s=DEADLINE_S, trust=_trust(ca) if is_trusted else SYSTEM_TRUST)

    assert len(str(caught.value)) < 300


async def test_another_authority_of_the_same_name_is_refused(http: Http, ca: trustme.CA) -> None:
    async with serving(_ok, _server_side(trustme.CA().issue_cert(HOST))) as url:
        with pytest.raises(TlsRefused):
            await http.request("GET", url, deadline_s=DEADLINE_S, trust=_trust(ca))


async def test_a_self_signed_server_is_refused(http: Http, ca: trustme.CA) -> None:
    async with serving(_ok, _server_side(ca.issue_cert(HOST))) as url:
        with pytest.raises(TlsRefused):
            await http.request("GET", url, deadline_s=DEADLINE_S, trust=_trust(trustme.CA()))


async def test_plain_http_behind_an_https_url_is_refused(http: Http) -> None:
    async with serving(_ok) as url:
        with pytest.raises(NotTls, match="what answers there does not speak TLS"):
            await http.request("GET", url.replace("http:", "https:"), deadline_s=DEADLINE_S)


async def test_tls_behind_an_http_url_is_an_error(http: Http, ca: trustme.CA) -> None:
    async with serving(_ok, _server_side(ca.issue_cert(HOST))) as url:
        with pytest.raises(NetError):
            await http.request("GET", url.replace("https:", "http:"), deadline_s=DEADLINE_S)


@pytest.mark.parametrize(
    "pem", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "ü"]
)
def test_a_bundle_without_a_certificate_never_means_the_systems_trust(pem: str) -> None:
    with pytest.raises(TlsRefused, match="holds no readable PEM certificate"):
        context(Trust(pem))


@pytest.mark.parametrize("is_system", [True, False], ids=["system", "given"])
def test_old_tls_is_not_spoken_and_names_are_checked(ca: trustme.CA, is_system: bool) -> None:
    made = context(SYSTEM_TRUST if is_system else _trust(ca))

    assert made.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_equal_trusts_share_a_context_and_its_connections(ca: trustme.CA) -> None:
    assert context(_trust(ca)) is context(_trust(ca))
    assert context(_trust(ca)) is not context(SYSTEM_TRUST)


def test_the_given_authority_replaces_the_systems(ca: trustme.CA) -> None:
    assert len(context(_trust(ca)).get_ca_certs()) == 1
