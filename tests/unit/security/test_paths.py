"""What becomes a part of a path: files that a replica reads, and the addresses of entries on a gateway; fuzzed."""

import posixpath
import re
import string
from contextlib import suppress
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from herder.api.paths import ModulePath, ReplicaPath
from herder.gateway.errors import GatewayError
from herder.gateway.replica import Replica
from herder.net.address import AddressPolicy
from herder.net.http import Answer, Http

_SYSTEM = ("/etc", "/proc", "/sys", "/dev", "/boot", "/root", "/var/log", "/var/run")
_PARTS = ("..", ".", "", "etc", "proc", "self", "root", "srv", "var", "log", "%2e%2e", "%2E.", "..%2f", "%00", "a.wasm")
_PATHS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.printable, max_size=60).map("/".__add__),
    st.lists(st.sampled_from(_PARTS), max_size=8).map(lambda parts: "/" + "/".join(parts)),
    st.lists(st.sampled_from(_PARTS), max_size=8).map(lambda parts: "/" + "/".join(parts) + "/m.wasm"),
)


@pytest.mark.parametrize("kind", [TypeAdapter(ReplicaPath), TypeAdapter(ModulePath)], ids=["any file", "a module"])
@given(path=_PATHS)
@example(path="/srv/../etc/shadow")
@example(path="//etc/shadow")
@example(path="/var//log/x.wasm")
@example(path="/srv/%2e%2e/etc/a.wasm")
@example(path="/srv/a\0.wasm")
@example(path="/srv/a.wasm\n")
@example(path="/etc")
def test_a_path_that_is_taken_is_what_it_looks_like_and_none_of_the_system_s(kind: TypeAdapter[str], path: str) -> None:
    try:
        taken = kind.validate_python(path)
    except ValidationError:
        return

    assert taken.startswith("/")
    assert taken.isascii()
    assert taken.isprintable()
    for seen in (taken, unquote(taken)):
        assert ".." not in seen.split("/")
        assert "\0" not in seen
        real = "/" + posixpath.normpath(seen).lstrip("/")
        assert not any(real == folder or real.startswith(f"{folder}/") for folder in _SYSTEM)


class _Recording(Http):
    """Sends nothing and notes what would have been."""

    def __init__(self) -> None:
        super().__init__(AddressPolicy())
        self.paths: list[str] = []

    async def request(self, method: str, url: str, **_: object) -> Answer:
        self.paths.append(url.removeprefix("http://gw"))
        return Answer(200, {}, b"{}")


_UUIDS = st.uuids().map(str)
_IDS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["..", "../wasm", ".", "", "%2e%2e", "a/b", "a?x=1", "a#b", "*", "\0"]),
    st.tuples(_UUIDS, st.sampled_from(["/../wasm", "?x", "#", "\n", " ", "/", "%2f.."])).map("".join),
    _UUIDS,
)


@given(entry_id=_IDS)
@example(entry_id="../wasm")
async def test_nothing_but_an_id_becomes_a_part_of_an_entry_s_path(entry_id: str) -> None:
    http = _Recording()
    replica = Replica("http://gw", http, api_key=None)

    calls = (
        replica.get_worker(entry_id),
        replica.delete_worker(entry_id, "http://w"),
        replica.tokenizers.status(entry_id),
        replica.tokenizers.delete_tokenizer(entry_id),
        replica.wasm.delete_module(entry_id),
    )
    for call in calls:
        with suppress(GatewayError):
            await call

    assert all(re.fullmatch(r"/(workers|wasm|v1/tokenizers)/[0-9a-fA-F-]{36}(/status)?", path) for path in http.paths)
