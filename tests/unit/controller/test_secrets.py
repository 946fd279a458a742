"""The content of Secrets: by name, for a moment, to nobody."""

import asyncio
import base64

import pytest

from herder.api.fields import SecretKeyRef
from herder.controller.cluster.kube import Forbidden, Unreached
from herder.controller.cluster.secrets import FRESH_S, SecretMissing, Secrets
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
    with pytest.raises(SecretMissing, match=r"ns/key, named by spec\.apiKeySecretRef, does not exist: create it"):
        await safe.read()

    safe.put("bmV3")

    assert await safe.read() == "new"


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
