"""Workers that are looked at in the middle of something that happens to their gateway."""

import asyncio
import base64
from typing import Any

import pytest

from herder.controller.known.objects import Key
from unit.controller.fake_kube import NAMESPACE, Call
from unit.controller.office import GATEWAY, Office, at_work

SECRET = f"/api/v1/namespaces/{GATEWAY.namespace}/secrets/key"
WORKER = Key("WorkerRegistration", GATEWAY.namespace, "a")
KEYED = {"auth": {"apiKeySecretRef": {"name": "key", "key": "token"}}}


@at_work
async def test_a_worker_declared_while_its_troubled_gateway_is_looked_at_again_is_told_of_the_trouble(
    office: Office,
) -> None:
    office.gateway(**KEYED)
    await office.until(office.says(GATEWAY, "SecretNotFound"))
    is_declared = False

    async def declare(call: Call) -> None:
        nonlocal is_declared
        if call.path == SECRET and not is_declared:
            is_declared = True
            office.worker(WORKER.name)
            await asyncio.sleep(0.05)

    office.kube.gate = declare
    await office.until(lambda: is_declared)

    await office.until(office.says(WORKER, "SecretNotFound"), within_s=0.05)


@at_work
async def test_a_worker_whose_gateway_was_not_looked_at_yet_comes_back_by_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(30)  # nothing is planned for it any more
    look, hidden = office.operator.fleet.model_gateways.get, iter([True])
    monkeypatch.setattr(
        office.operator.fleet.model_gateways, "get", lambda at: None if next(hidden, False) else look(at)
    )

    office.worker(priority=7)

    await office.until(lambda: office.a.listed[0].priority == 7, within_s=10)


USELESS = {
    "a key with a line break within": (
        KEYED,
        "key",
        "token",
        "a\nb",
        "named by spec.auth.apiKeySecretRef, holds a key with",
    ),
    "no certificate": (
        {"tls": {"caSecretRef": {"name": "ca", "key": "pem"}}},
        "ca",
        "pem",
        "no certificate",
        "named by spec.tls.caSecretRef, holds no readable PEM certificate: correct it",
    ),
}


@pytest.mark.parametrize(("spec", "name", "key", "content", "says"), USELESS.values(), ids=USELESS)
@at_work
async def test_a_secret_that_is_of_no_use_is_named_and_no_replica_asked(
    office: Office, spec: dict[str, Any], name: str, key: str, content: str, says: str
) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"
    office.kube.bodies[path] = {"kind": "Secret", "data": {key: base64.b64encode(content.encode()).decode()}}
    office.gateway(**spec)
    await office.until(office.says(GATEWAY, "SecretNotFound"))
    office.a.calls.clear()
    await asyncio.sleep(30)

    condition = office.condition(GATEWAY)
    assert condition["message"].startswith(f"Secret ns/{name}, ")
    assert says in condition["message"]
    assert content not in condition["message"] or "\n" not in content
    assert not office.a.calls
