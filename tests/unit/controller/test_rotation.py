"""Secrets in use: a changed one is noticed within a resync, read once for all that use it, by name only."""

import asyncio
import base64

import pytest

from herder.api.fields import SecretKeyRef
from herder.controller.cluster.errors import Unreached
from herder.controller.cluster.secrets import SecretMissing, Secrets
from herder.controller.fleet.rotation import Rotation
from herder.controller.known.objects import Key
from unit.controller.fake_kube import NAMESPACE, Call, FakeKube
from unit.controller.office import Office, at_work
from unit.engine.kit import virtual_time

PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets/key"
A, B = (Key("WorkerRegistration", NAMESPACE, name) for name in "ab")
REF = SecretKeyRef(name="key", key="token")
EVERY_S = 10.0


class Safe:
    """A Secret that two resources read, and who was told of its change."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.told: list[Key] = []
        clock = asyncio.get_running_loop().time
        self.rotation = Rotation(Secrets(self.kube, clock), self.told.append, clock)
        self._task = asyncio.create_task(self.rotation.run())

    def put(self, token: str) -> None:
        self.kube.bodies[PATH] = {"kind": "Secret", "data": {"token": base64.b64encode(token.encode()).decode()}}

    async def read(self, user: Key, every_s: float = EVERY_S) -> str:
        return await self.rotation.vault(user, every_s).get(NAMESPACE, REF, field="spec.apiKeySecretRef", to=())

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


@virtual_time
async def test_everybody_who_read_what_has_changed_is_told_once() -> None:
    safe = Safe()
    safe.put("old")
    for user in (A, B):
        await safe.read(user)
    await asyncio.sleep(60)
    before = list(safe.told)
    safe.put("new")
    await asyncio.sleep(EVERY_S + 2)
    told = sorted(safe.told, key=str)
    for user in (A, B):
        assert await safe.read(user) == "new"
    await asyncio.sleep(60)
    await safe.close()

    assert (before, told, len(safe.told)) == ([], [A, B], 2)


@virtual_time
async def test_a_secret_is_read_once_a_resync_for_all_that_use_it_and_not_at_all_for_nobody() -> None:
    safe = Safe()
    safe.put("old")
    for number in range(50):
        await safe.read(Key("WorkerRegistration", NAMESPACE, str(number)))
    reads = safe.kube.count("GET", PATH)
    await asyncio.sleep(EVERY_S * 10)
    in_use = safe.kube.count("GET", PATH) - reads
    for number in range(50):
        safe.rotation.forget(Key("WorkerRegistration", NAMESPACE, str(number)))
    await asyncio.sleep(EVERY_S * 10)
    await safe.close()

    assert reads == 1
    assert 8 <= in_use <= 10
    assert safe.kube.count("GET", PATH) == reads + in_use


@virtual_time
async def test_one_who_reads_what_is_new_has_those_told_who_read_what_was_old() -> None:
    safe = Safe()
    safe.put("old")
    await safe.read(A, every_s=3600)
    await asyncio.sleep(20)
    safe.put("new")

    await safe.read(B, every_s=3600)
    await safe.close()

    assert safe.told == [A]


@virtual_time
async def test_one_that_is_missing_is_noticed_when_it_comes() -> None:
    safe = Safe()
    with pytest.raises(SecretMissing):
        await safe.read(A)
    await asyncio.sleep(30)
    before = list(safe.told)

    safe.put("new")
    await asyncio.sleep(EVERY_S + 2)
    await safe.close()

    assert (before, safe.told) == ([], [A])


@virtual_time
async def test_an_api_server_that_can_not_tell_tells_of_no_change() -> None:
    safe = Safe()
    safe.put("old")
    await safe.read(A)

    async def refuse(_call: Call) -> None:
        raise Unreached("503")

    safe.kube.gate = refuse
    await asyncio.sleep(60)
    await safe.close()

    assert safe.told == []


@at_work
async def test_a_rotated_key_of_a_worker_is_sent_to_every_replica_within_a_resync(office: Office) -> None:
    office.kube.bodies[PATH] = {"kind": "Secret", "data": {"token": base64.b64encode(b"old").decode()}}
    key = office.worker(apiKeySecretRef={"name": "key", "key": "token"})
    await office.registered(key)
    await asyncio.sleep(30)
    hashes = [row["specHash"] for row in office.kube.status(key)["replicas"]]

    office.kube.bodies[PATH] = {"kind": "Secret", "data": {"token": base64.b64encode(b"new").decode()}}

    await office.until(
        lambda: not {row["specHash"] for row in office.kube.status(key)["replicas"]} & {*hashes, None}, within_s=13
    )


@at_work
async def test_a_workers_secret_that_is_deleted_is_missed_within_a_resync(office: Office) -> None:
    office.kube.bodies[PATH] = {"kind": "Secret", "data": {"token": base64.b64encode(b"old").decode()}}
    office.gateway(resyncSeconds=2)
    key = office.worker(apiKeySecretRef={"name": "key", "key": "token"})
    await office.registered(key)
    await asyncio.sleep(30)

    del office.kube.bodies[PATH]

    await office.until(lambda: office.condition(key)["reason"] == "SecretNotFound", within_s=8)
