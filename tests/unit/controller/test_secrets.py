"""The content of Secrets: by name, for a moment, to nobody."""

import asyncio
import base64

import pytest

from herder.api.fields import SecretKeyRef
from herder.controller.cluster.errors import Forbidden, Unreached
from herder.controller.cluster.secrets import FRESH_S, SecretMissing, SecretNotPermitted, Secrets
from unit.controller.fake_kube import Call, FakeKube

PATH = "/api/v1/namespaces/ns/secrets/key"
REF = SecretKeyRef(name="key", key="token")


class Safe:
    """A Secret, and who reads it at what time."""

    def __init__(self, text: str | None = "canary") -> None:
        self.kube = FakeKube()
        self.now_s = 0.0
        self.secrets = Secrets(self.kube, lambda: self.now_s)
        if text is not None:
            self.put(base64.b64encode(text.encode()).decode())

    def put(self, encoded: str) -> None:
        self.kube.bodies[PATH] = {"kind": "Secret", "data": {"token": encoded}}

    async def read(self, ref: SecretKeyRef = REF) -> str:
        return await self.secrets.get("ns", ref, field="spec.apiKeySecretRef")


async def test_a_key_is_read_by_name_without_the_line_break_at_its_end() -> None:
    safe = Safe("canary\n")

    text = await safe.read()

    assert text == "canary"
    assert [(call.method, call.path) for call in safe.kube.calls] == [("GET", PATH)]


async def test_a_secret_is_read_again_once_it_is_no_longer_fresh() -> None:
    safe = Safe()
    await safe.read()
    safe.put("bmV3")

    safe.now_s = FRESH_S - 0.1
    still = await safe.read()
    safe.now_s = FRESH_S
    new = await safe.read()

    assert (still, new, len(safe.kube.calls)) == ("canary", "new", 2)


async def takes_a_while(_call: Call) -> None:
    await asyncio.sleep(0)


async def test_those_who_read_a_secret_at_the_same_time_share_a_read() -> None:
    safe = Safe()
    safe.kube.gate = takes_a_while

    texts = await asyncio.gather(*(safe.read() for _ in range(20)))

    assert set(texts) == {"canary"}
    assert len(safe.kube.calls) <= 2
    assert len(safe.secrets._under_way) == 0


async def test_those_who_read_at_the_same_time_share_what_comes_of_it_each_for_its_own_field() -> None:
    safe = Safe(text=None)
    safe.kube.gate = takes_a_while
    fields = [f"spec.field{number}" for number in range(20)]

    reads = (safe.secrets.get("ns", REF, field=field) for field in fields)
    errors = await asyncio.gather(*reads, return_exceptions=True)

    assert all(f"named by {field}," in str(error) for field, error in zip(fields, errors, strict=True))
    assert len(safe.kube.calls) <= 2


async def test_a_reader_that_is_cut_off_leaves_the_read_to_the_next() -> None:
    safe = Safe()
    is_held = asyncio.Event()

    async def hold(_call: Call) -> None:
        if not is_held.is_set():
            is_held.set()
            await asyncio.Event().wait()

    safe.kube.gate = hold
    first, second = (asyncio.create_task(safe.read()) for _ in range(2))
    await is_held.wait()

    first.cancel()

    assert await second == "canary"


async def test_a_secret_that_is_missing_is_asked_for_each_time_and_found_when_it_comes() -> None:
    safe = Safe(text=None)
    missing = r"ns/key, named by spec\.apiKeySecretRef, does not exist: create it with the key '"
    with pytest.raises(SecretMissing, match=missing):
        await safe.read()

    safe.put("bmV3")

    assert await safe.read() == "new"


async def test_of_a_secret_that_is_seen_to_be_gone_nothing_is_kept() -> None:
    safe = Safe()
    await safe.read()
    del safe.kube.bodies[PATH]

    digest = await safe.secrets.digest("ns", "key", fresh_s=0.0)

    assert digest is None
    with pytest.raises(SecretMissing):
        await safe.read()


async def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(SecretMissing, match="has no key 'other': add it"):
        await Safe().read(SecretKeyRef(name="key", key="other"))


@pytest.mark.parametrize("encoded", ["&&&", "gICA"], ids=["no base64", "no text"])
async def test_a_content_that_is_no_text_is_not_shown(encoded: str) -> None:
    safe = Safe()
    safe.put(encoded)

    with pytest.raises(SecretMissing, match="holds no text") as caught:
        await safe.read()

    assert encoded not in str(caught.value)


async def test_a_secret_that_may_not_be_read_says_what_to_grant() -> None:
    safe = Safe()
    safe.kube.fail(Forbidden("403"))

    with pytest.raises(SecretMissing, match="grant herder `get`"):
        await safe.read()


async def test_an_api_server_that_is_away_is_no_missing_secret() -> None:
    safe = Safe()
    safe.kube.fail(Unreached("503"))

    with pytest.raises(Unreached):
        await safe.read()


async def test_contents_are_not_kept_longer_than_they_are_fresh_nor_shown() -> None:
    safe = Safe()
    await safe.read()
    shown = repr(safe.secrets)

    safe.now_s = FRESH_S
    safe.kube.bodies["/api/v1/namespaces/ns/secrets/other"] = {"kind": "Secret", "data": {"token": "bmV3"}}
    await safe.read(SecretKeyRef(name="other", key="token"))

    assert "canary" not in shown
    assert list(safe.secrets._read) == [("ns", "other")]


class Bound(Safe):
    """A Secret that says, or does not say, which hosts it is for."""

    def __init__(self, hosts: str | None, *, only_bound: bool = False) -> None:
        super().__init__()
        self.secrets = Secrets(self.kube, lambda: self.now_s, only_bound=only_bound)
        annotations = {} if hosts is None else {"herder.dev/hosts": hosts}
        self.kube.bodies[PATH]["metadata"] = {"annotations": annotations}

    async def send(self, *to: str) -> str:
        return await self.secrets.get("ns", REF, field="spec.apiKeySecretRef", to=to)


PERMITTED: dict[str, tuple[str | None, bool, tuple[str, ...]]] = {
    "an unbound one anywhere": (None, False, ("evil.example",)),
    "a bound one to its host": ("gw.example", False, ("gw.example",)),
    "a bound one to all its hosts": ("gw.example, *.svc", True, ("gw.example", "gw.team.svc")),
    "one that is for any host": ("*", True, ("evil.example",)),
    "one that is sent nowhere": ("gw.example", True, ()),
    "an unbound one that is sent nowhere": (None, True, ()),
}


@pytest.mark.parametrize(("hosts", "only_bound", "to"), PERMITTED.values(), ids=PERMITTED.keys())
async def test_a_key_is_handed_out_for_the_hosts_that_it_is_for(
    hosts: str | None, only_bound: bool, to: tuple[str, ...]
) -> None:
    assert await Bound(hosts, only_bound=only_bound).send(*to) == "canary"


KEPT: dict[str, tuple[str | None, bool, tuple[str, ...], str]] = {
    "another host": ("gw.example", False, ("evil.example",), "is not to be sent to evil.example: correct the URL"),
    "one host of two": ("gw.example", False, ("gw.example", "evil.example"), "is not to be sent to evil.example"),
    "an empty list": ("", False, ("gw.example",), "is not to be sent to gw.example"),
    "a list that can't be read": ("http://gw.example", False, ("gw.example",), "is not to be sent to gw.example"),
    "no list where one is asked for": (None, True, ("gw.example",), "lacks the annotation herder.dev/hosts"),
}


@pytest.mark.parametrize(("hosts", "only_bound", "to", "says"), KEPT.values(), ids=KEPT.keys())
async def test_a_key_is_kept_from_every_other_host_with_what_to_do(
    hosts: str | None, only_bound: bool, to: tuple[str, ...], says: str
) -> None:
    with pytest.raises(SecretNotPermitted, match=says) as caught:
        await Bound(hosts, only_bound=only_bound).send(*to)

    message = str(caught.value)
    assert message.startswith("Secret ns/key, named by spec.apiKeySecretRef, ")
    assert "canary" not in message
    assert "herder.dev/hosts" in message


async def test_each_key_of_a_bound_secret_is_kept() -> None:
    with pytest.raises(SecretNotPermitted):
        await Bound("gw.example").secrets.get_all("ns", "key", field="spec.headersSecretRef", to=("evil.example",))


async def test_what_a_secret_is_for_is_a_part_of_what_it_is() -> None:
    lists = (None, "a.example", "b.example")

    digests = [await Bound(hosts).secrets.digest("ns", "key", fresh_s=0.0) for hosts in lists]

    assert len(set(digests)) == 3


async def test_what_is_read_is_learned_before_anybody_gets_it() -> None:
    learned: list[str] = []
    safe = Safe("canary-1\n")
    safe.secrets = Secrets(safe.kube, lambda: 0.0, learned.extend)

    await safe.read()

    assert learned == ["canary-1"]
