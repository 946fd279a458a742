"""What a peer says is untrusted: whatever it answers becomes one short, clean line, and nothing is kept at length.

Answers are made at random; what is shown of them is what a status, an Event and a log line show.
"""

import gzip
import json
import unicodedata
import zlib
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st

from herder.api.conditions import MAX_MESSAGE_LENGTH
from herder.gateway.answers import accepted
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.net.address import AddressPolicy
from herder.net.errors import NetError
from herder.net.http import Answer, Http
from herder.net.mcp import McpClient, McpEndpoint, McpError
from herder.workflows.answers import model_id, shown_line
from herder.workflows.errors import Transient
from herder.workflows.probing import Prober
from unit.net.servers import serving

_STEERING = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
"""Categories of characters that steer a terminal, hide themselves or break a line."""
_ANSI = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"
_TEXTS = st.one_of(st.text(max_size=4000), st.text(max_size=50).map(lambda text: (text + _ANSI) * 40))
_BODIES = st.one_of(
    st.binary(max_size=4000),
    _TEXTS.map(lambda text: text.encode(errors="replace")),
    _TEXTS.map(lambda text: json.dumps({"error": text, "code": text}).encode()),
    _TEXTS.map(lambda text: json.dumps({"error": {"message": text, "code": text}}).encode()),
    _TEXTS.map(lambda text: json.dumps({"message": text, "id": text}).encode()),
)


def _check_clean(line: str) -> None:
    assert len(line.encode()) <= MAX_MESSAGE_LENGTH
    assert line.isprintable()
    assert not {unicodedata.category(char) for char in line} & _STEERING


@given(status=st.integers(min_value=400, max_value=599), body=_BODIES)
@example(status=500, body=(_ANSI * 500).encode())
@example(status=404, body=b"\n" * 5000)
def test_whatever_a_gateway_answers_is_one_short_clean_line(status: int, body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        accepted(Answer(status, {}, body))

    _check_clean(str(caught.value))


@given(text=_TEXTS, words=_TEXTS)
@settings(max_examples=50)
def test_whatever_a_worker_calls_its_models_is_shown_as_clean_lines(text: str, words: str) -> None:
    for shown in (model_id(text), shown_line(words, None)):
        if shown is not None:
            _check_clean(shown)


DEEP = b"[" * 200_000 + b"]" * 200_000
DEEP_OBJECT = b'{"workers":' * 80_000


@pytest.mark.parametrize("body", [DEEP, DEEP_OBJECT, b'{"workers": ' + DEEP + b"}"], ids=["lists", "objects", "within"])
@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_that_is_nested_without_end_is_an_error_of_the_peer(status: int, body: bytes) -> None:
    async def nested(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="application/json")

    async with serving(nested) as url, Http(AddressPolicy(allow_loopback=True)) as http:
        with pytest.raises(GatewayError) as of_gateway:
            await Replica(url, http).list_workers()
        with pytest.raises(Transient) as of_worker:
            await Prober(http).list_models(url, None)
        with pytest.raises(McpError) as of_server:
            await McpClient(http).greet(McpEndpoint(f"{url}/mcp"))

    for caught in (of_gateway, of_worker, of_server):
        _check_clean(str(caught.value))


async def test_a_gibibyte_in_a_megabyte_is_not_unpacked() -> None:
    packed = _bomb(1 << 30)
    assert len(packed) < 1 << 20

    async def bomb(_request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip, gzip"}, content_type="application/json")

    async with serving(bomb) as url, Http(AddressPolicy(allow_loopback=True)) as http:
        before_kib = _peak_kib(is_reset=True)
        for _ in range(5):
            with pytest.raises(NetError):
                await http.request("GET", url, deadline_s=30.0)
            with pytest.raises(NetError):
                await McpClient(http).greet(McpEndpoint(f"{url}/mcp"))
        after_kib = _peak_kib()

    assert after_kib - before_kib < 20 << 10


def _bomb(size: int) -> bytes:
    """Zeros, packed twice; never in memory at once."""
    packer, packed = zlib.compressobj(9, wbits=31), b""
    for _ in range(size >> 20):
        packed += packer.compress(bytes(1 << 20))
    return gzip.compress(packed + packer.flush())


def _peak_kib(*, is_reset: bool = False) -> int:
    """Return the most memory that this process has had, since the last reset."""
    if is_reset:
        Path("/proc/self/clear_refs").write_text("5")
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])
