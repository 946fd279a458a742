"""Which error an outcome is: the type decides whether a step is tried again, so each outcome has one."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herder.gateway.answers import accepted
from herder.gateway.errors import (
    AlreadyExists,
    Conflict,
    CreateInProgress,
    GatewayError,
    Gone,
    Permanent,
    Refused,
    Transient,
    Unauthorized,
    Unavailable,
)
from herder.gateway.replica import Replica
from herder.gateway.spec import WorkerSpec
from herder.net.address import AddressPolicy
from herder.net.http import Answer, Http
from unit.gateway.fake import ACCEPTED, ID, ITEM, MISSING, URL, Rig, item, rigged

BAD_REQUEST = {"error": "missing field `url`", "code": "BAD_REQUEST"}
BAD_KEY = {"error": {"message": "Invalid API key", "type": "invalid_request_error", "code": "invalid_api_key"}}
NO_ROUTE = {"error": {"type": "invalid_request_error", "code": "unknown_url", "message": "Invalid URL (GET /x)"}}
NO_TOKENIZER = {"error": {"message": "Tokenizer 'x' not found and no pending job", "type": "not_found"}}
NOT_DELETED = {"success": False, "message": "Tokenizer 'x' not found"}
NO_SMG = rf"^the gateway answered 404 at {ITEM}: is it an smg\? .*correct spec\.endpoints \(or spec\.service\)"
PAGE = b"<html><title>503</title><script>alert(1)</script></html>"
OUTCOMES: dict[str, tuple[int, object, type[GatewayError], str]] = {
    "bad request": (400, BAD_REQUEST, Permanent, "answered 400: BAD_REQUEST: missing field `url`"),
    "no key": (401, BAD_KEY, Unauthorized, "answered 401: invalid_api_key: Invalid API key"),
    "plain text 401": (401, b"Invalid authentication token", Unauthorized, "401: Invalid authentication token"),
    "wrong role": (403, b"Admin role required", Unauthorized, "answered 403: Admin role required"),
    "unknown worker": (*MISSING, Gone, "answered 404: WORKER_NOT_FOUND: Worker"),
    "unknown tokenizer": (404, NO_TOKENIZER, Gone, "answered 404: Tokenizer 'x' not found and no"),
    "unknown tokenizer, to a DELETE": (404, NOT_DELETED, Gone, "answered 404: Tokenizer 'x' not found"),
    "somebody else's not_found": (404, {"error": {"type": "not_found", "message": "nope"}}, Transient, r"\(nope\): is"),
    "no such route": (404, NO_ROUTE, Transient, rf"at {ITEM} \(unknown_url: .*\): is it an smg\? "),
    "a proxy's 404": (404, PAGE, Transient, r"\(an HTML page.*\): is it an smg\? "),
    "a 404 that says so twice": (404, b"404: Not Found", Transient, NO_SMG),
    "an empty 404": (404, b"", Transient, NO_SMG),
    "request timeout": (408, b"", Transient, "answered 408$"),
    "too large": (413, {"error": {"code": "request_body_too_large", "message": "x"}}, Permanent, "answered 413"),
    "unprocessable": (422, b"Failed to deserialize", Permanent, "answered 422: Failed to deserialize"),
    "too many": (429, b"slow down", Transient, "answered 429: slow down"),
    "internal": (500, {"error": "queue", "code": "INTERNAL_SERVER_ERROR"}, Transient, "INTERNAL_SERVER_ERROR: queue"),
    "bad gateway page": (502, PAGE, Transient, "answered 502: an HTML page, not the gateway's own words$"),
    "an error of odd shape": (500, {"error": [1, {"code": 7}], "code": 9}, Transient, "answered 500$"),
    "an error in a list": (500, ["x"], Transient, "answered 500$"),
    "200 with a page": (200, PAGE, Transient, "a body that is not its own"),
    "200 with half a body": (200, b'{"id": "', Transient, "a body that is not its own"),
    "200 without what we need": (200, {"id": ID}, Transient, "a body that is not its own: url: Field required"),
    "200 with a wrong type": (200, item(priority="high"), Transient, "not its own: priority:"),
    "200 nested without end": (200, b'{"id":' + b"[" * 100_000, Transient, "a body that is not its own"),
}


@pytest.mark.parametrize(("status", "body", "kind", "message"), OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_an_answer_has_one_type_and_one_line(
    rig: Rig, status: int, body: object, kind: type[GatewayError], message: str
) -> None:
    rig.gateway.will(f"GET {ITEM}", (status, body))

    with pytest.raises(GatewayError, match=message) as caught:
        await rig.replica.get_worker(ID)

    assert type(caught.value) is kind
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 300


CONFLICTS = {
    "exists": (
        "WORKER_ALREADY_EXISTS",
        f"already exists at URL 'http://h' with ID {ID}. Use PUT",
        AlreadyExists,
    ),
    "in progress": (
        "WORKER_CREATE_IN_PROGRESS",
        f"in progress for URL 'x' with ID {ID}. Poll",
        CreateInProgress,
    ),
    "of a newer gateway": ("WORKER_BUSY", f"with ID {ID}", Conflict),
}


@pytest.mark.parametrize(("code", "text", "kind"), CONFLICTS.values(), ids=CONFLICTS.keys())
async def test_a_conflict_names_the_worker_in_the_way(rig: Rig, code: str, text: str, kind: type[Conflict]) -> None:
    rig.gateway.will("POST /workers", (409, {"error": text, "code": code}))

    with pytest.raises(Conflict) as caught:
        await rig.replica.add_worker(WorkerSpec(url=URL))

    assert (type(caught.value), caught.value.worker_id) == (kind, ID)


async def test_a_conflict_that_names_nobody_is_one_all_the_same(rig: Rig) -> None:
    rig.gateway.will("POST /workers", (409, {"error": "no", "code": "WORKER_ALREADY_EXISTS"}))

    with pytest.raises(AlreadyExists) as caught:
        await rig.replica.add_worker(WorkerSpec(url=URL))

    assert caught.value.worker_id is None


async def test_a_replica_that_is_down_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with Http(AddressPolicy(allow_loopback=True)) as http:
            replica = Replica(f"http://127.0.0.1:{unused.getsockname()[1]}", http)

            with pytest.raises(Unavailable, match="connection refused"):
                await replica.list_workers()


async def test_a_replica_at_a_forbidden_address_is_refused_for_good() -> None:
    async with Http(AddressPolicy()) as http:
        with pytest.raises(Refused, match=r"correct spec\.endpoints .*or start herder with --allow-loopback"):
            await Replica("http://127.0.0.1:1", http).list_workers()


async def test_a_redirect_is_refused_for_good(rig: Rig) -> None:
    rig.gateway.will("GET /workers", (307, b""))

    with pytest.raises(Refused, match="redirect"):
        await rig.replica.list_workers()


async def test_no_message_repeats_a_key_that_the_gateway_echoes() -> None:
    async with rigged(api_key="g4teway-key") as rig:
        rig.gateway.will("POST /workers", (400, {"error": "bad: g4teway-key w0rker-key", "code": "BAD_REQUEST"}))

        with pytest.raises(Permanent) as caught:
            await rig.replica.add_worker(WorkerSpec(url=URL, api_key="w0rker-key"))

    assert str(caught.value).endswith("bad: [redacted] [redacted]")


async def test_a_value_that_does_not_fit_is_not_repeated(rig: Rig) -> None:
    rig.gateway.will("GET /workers", (200, {"workers": [item(priority="s3cr3t")]}))

    with pytest.raises(Transient) as caught:
        await rig.replica.list_workers()

    assert "s3cr3t" not in str(caught.value)


async def test_the_key_goes_to_its_endpoint_without_the_line_break_of_its_secret() -> None:
    async with rigged(api_key="k3y\n") as rig:
        rig.gateway.will("DELETE " + ITEM, ACCEPTED)
        rig.gateway.will("GET " + ITEM, (200, item()))

        await rig.replica.delete_worker(ID, URL)

    assert {asked.authorization for asked in rig.gateway.asked} == {"Bearer k3y"}


async def test_without_a_key_no_authorization_is_sent(rig: Rig) -> None:
    rig.gateway.will("GET " + ITEM, (200, item()))

    await rig.replica.get_worker(ID)

    assert rig.gateway.asked[0].authorization is None


@given(st.integers(min_value=400, max_value=599), st.binary(max_size=400))
def test_any_error_answer_is_a_gateway_error_of_one_printable_line(status: int, body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        accepted(Answer(status, {}, body))

    assert str(caught.value).isprintable()
