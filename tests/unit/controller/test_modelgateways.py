"""ModelGateways: what their status says, and who is told when something of them changes."""

import asyncio
from typing import Any

import pytest

from herder.api.gateway import Mode
from herder.controller.fleet.gateways import Access
from herder.controller.listing.views import News
from herder.controller.listing.watcher import Watcher
from herder.gateway.errors import Unauthorized, Unavailable
from herder.gateway.spec import WorkerSpec
from herder.net.tls import SYSTEM_TRUST, Trust
from unit.controller.office import ENDPOINTS, GATEWAY, ListedReplica, Office, at_work
from unit.engine.kit import virtual_time

SECRET = f"/api/v1/namespaces/{GATEWAY.namespace}/secrets/key"
KEYED = {"auth": {"apiKeySecretRef": {"name": "key", "key": "token"}}}


def put_secret(office: Office, encoded: str = "Y2FuYXJ5") -> None:
    office.kube.bodies[SECRET] = {"kind": "Secret", "data": {"token": encoded}}


def rows(office: Office) -> list[tuple[str, int | None]]:
    return [(row["state"], row.get("workers")) for row in office.kube.status(GATEWAY)["replicas"]]


@at_work
async def test_a_gateway_whose_replicas_answer_is_ready_and_says_what_each_lists(office: Office) -> None:
    office.a.enter(WorkerSpec(url="http://x"))
    await office.until(office.says(GATEWAY, "Reachable"))
    await asyncio.sleep(2)

    assert office.kube.status(GATEWAY)["ready"] == "2/2"
    assert rows(office) == [("Reachable", 1), ("Reachable", 0)]


@at_work
async def test_a_replica_that_falls_silent_is_unreachable_after_a_while_and_then_back(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.away = True
    await asyncio.sleep(9)
    at_first = office.condition(GATEWAY)["status"]
    await office.until(office.says(key, "GatewayUnreachable"))
    seen = (office.condition(GATEWAY)["status"], office.kube.status(GATEWAY)["ready"], rows(office)[0])

    office.a.come_back()
    await office.until(office.says(GATEWAY, "Reachable"), within_s=5)
    await office.until(office.says(key, "Registered"), within_s=5)

    assert (at_first, seen) == ("True", ("Unknown", "1/2", ("Unreachable", None)))


@at_work
async def test_a_replica_that_restarted_gets_its_workers_back(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.a.restart()
    await office.until(lambda: office.listed() == ["http://a:8000"], within_s=30)
    await office.registered(key)


@at_work
async def test_a_refused_key_is_said_at_once_and_its_change_read_soon(office: Office) -> None:
    put_secret(office)
    for replica in office.replicas.values():
        replica.fails["list_workers"] = [Unauthorized("401")] * 10_000
    office.gateway(**KEYED)
    key = office.worker()
    await office.until(office.says(GATEWAY, "GatewayRefuses"), within_s=30)
    await office.until(office.says(key, "GatewayRefuses"), within_s=5)
    for replica in office.replicas.values():
        replica.fails.clear()
    put_secret(office, "bmV3")

    await office.until(office.says(key, "Registered"), within_s=30)


@at_work
async def test_a_gateways_missing_secret_is_named_to_all_that_refer_to_it_and_its_arrival_heals_them(
    office: Office,
) -> None:
    office.gateway(**KEYED)
    key = office.worker()
    await office.until(office.says(key, "SecretNotFound"))
    message = office.condition(key)["message"]
    gateway, reachable = office.condition(GATEWAY)["reason"], office.condition(GATEWAY, "Reachable")
    ready = office.kube.status(GATEWAY).get("ready")

    put_secret(office)
    await office.until(office.says(key, "Registered"), within_s=10)

    assert "ModelGateway gw: Secret ns/key" in message
    assert (gateway, ready, reachable["status"]) == ("SecretNotFound", None, "Unknown")
    assert "Secret ns/key" in reachable["message"]
    assert "'token'" in reachable["message"]


SPECS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no URL": {"endpoints": ["gw"]},
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@at_work
async def test_a_gateway_that_can_not_be_driven_says_why(office: Office, spec: dict[str, Any]) -> None:
    office.kube.apply(GATEWAY.kind, GATEWAY.name, spec)
    key = office.worker()

    await office.until(office.says(GATEWAY, "InvalidSpec"))
    await office.until(office.says(key, "InvalidSpec"))
    assert "spec" in office.condition(GATEWAY)["message"]


@at_work
async def test_nobody_is_warned_of_a_gateway_that_may_be_on_its_way(office: Office) -> None:
    office.kube.remove(GATEWAY)
    soon, late = office.worker(), office.worker("b", gatewayRef={"name": "typo"})
    await office.until(office.says(soon, "Registering"))
    waiting = office.condition(soon)["message"]

    office.gateway()
    await office.registered(soon)
    await office.until(office.says(late, "GatewayNotFound"))

    assert "the ModelGateway gw that spec.gatewayRef names does not exist in namespace ns: create it, or" in waiting
    assert "Warning" not in [kind for kind, _ in office.told(soon)]
    assert office.told(late) == [("Normal", "Registering"), ("Warning", "GatewayNotFound")]


@at_work
async def test_a_gateway_that_comes_late_or_again_is_noticed(office: Office) -> None:
    office.kube.remove(GATEWAY)
    key = office.worker()
    await office.until(office.says(key, "GatewayNotFound"))
    office.gateway()
    await office.registered(key)
    office.kube.remove(GATEWAY)
    await office.until(office.says(key, "GatewayNotFound"))

    office.gateway()
    await office.registered(key)


@at_work
async def test_a_gateway_that_is_gone_is_not_asked_any_more(office: Office) -> None:
    await office.until(office.says(GATEWAY, "Reachable"))
    office.kube.remove(GATEWAY)
    await asyncio.sleep(1)
    office.a.calls.clear()
    await asyncio.sleep(100)

    assert office.a.calls == []
    assert office.operator.fleet.gateways.get(GATEWAY) is None
    assert len(office.operator.telling.writer) == 0


@at_work
async def test_a_gateways_settings_change_without_its_replicas_being_asked_anew(office: Office) -> None:
    await office.until(office.says(GATEWAY, "Reachable"))
    gateway = office.operator.fleet.gateways.get(GATEWAY)
    office.gateway(mode="Observe")
    await asyncio.sleep(1)
    changed = office.operator.fleet.gateways.get(GATEWAY)

    assert gateway is not None
    assert changed is not None
    assert (changed.access.mode, changed.views) == ("Observe", gateway.views)


def test_no_key_of_a_gateway_is_shown() -> None:
    access = Access(ENDPOINTS, Mode.ENFORCE, 10.0, (), "canary", Trust("canary"))

    assert "canary" not in repr(access)


class Reader:
    """A replica that is read now and then, and what was told of it."""

    def __init__(self, resync_s: float = 10) -> None:
        self.replica = ListedReplica(ENDPOINTS[0], {})
        self.told: list[News] = []
        clock = asyncio.get_running_loop().time
        self.watcher = Watcher(self.replica, resync_s=resync_s, tell=self.told.append, clock=clock)  # type: ignore[arg-type]  # a fake

    @property
    def keys(self) -> list[set[str | None] | None]:
        return [None if news.items is None else {item.key for item in news.items} for news in self.told]


@virtual_time
async def test_only_what_differs_is_told() -> None:
    reader = Reader()
    await asyncio.sleep(1)
    first = reader.replica.enter(WorkerSpec(url="http://x"))
    await asyncio.sleep(12)
    reader.replica.alter(first, load=7)
    await asyncio.sleep(12)
    reader.replica.alter(first, priority=7)
    reader.replica.enter(WorkerSpec(url="http://y"))
    await asyncio.sleep(12)
    await reader.watcher.close()

    assert reader.keys == [None, {"http://x"}, {"http://x", "http://y"}]


@virtual_time
async def test_a_defect_while_a_replica_is_read_does_not_leave_it_unread_for_ever() -> None:
    reader = Reader()
    reader.replica.fails["list_workers"] = [ZeroDivisionError("canary")]
    await asyncio.sleep(1)
    trouble = reader.watcher.view.trouble
    await asyncio.sleep(12)
    await reader.watcher.close()

    assert trouble == "ZeroDivisionError in herder itself; its log has the details"
    assert reader.watcher.view.state == "Reachable"


@virtual_time
async def test_a_defect_of_whoever_is_told_of_a_replica_does_not_leave_it_unread_for_ever() -> None:
    reader = Reader()
    told = reader.watcher._tell

    def fail_once(_news: News) -> None:
        reader.watcher._tell = told
        raise ZeroDivisionError

    reader.watcher._tell = fail_once
    await asyncio.sleep(1)
    reader.replica.enter(WorkerSpec(url="http://x"))
    await asyncio.sleep(12)
    await reader.watcher.close()

    assert reader.keys == [{"http://x"}]


@virtual_time
async def test_a_replica_that_stays_away_is_told_of_once_and_asked_often() -> None:
    reader = Reader()
    reader.replica.fails["list_workers"] = [Unavailable(f"refused {n}") for n in range(1000)]
    await asyncio.sleep(60)
    await reader.watcher.close()

    assert [news.after.state for news in reader.told] == ["Unreachable"]
    assert 20 < reader.replica.count("list_workers") < 40


@virtual_time
async def test_a_replica_that_is_seldom_read_is_soon_known_to_be_away_and_to_be_back() -> None:
    reader = Reader(resync_s=3600)
    await asyncio.sleep(100)
    reads = reader.replica.count("list_workers")
    reader.replica.away = True
    await asyncio.sleep(30)
    state = reader.watcher.view.state
    reader.replica.come_back()
    await asyncio.sleep(5)
    await reader.watcher.close()

    assert (reads, state, reader.watcher.view.state) == (1, "Unreachable", "Reachable")


@virtual_time
async def test_a_replica_that_is_seldom_read_is_read_when_it_is_time() -> None:
    reader = Reader(resync_s=100)
    await asyncio.sleep(1005)
    await reader.watcher.close()

    assert 10 <= reader.replica.count("list_workers") <= 12
    assert reader.replica.count("readiness") < 100


@virtual_time
async def test_a_defect_while_a_sign_of_life_is_asked_for_has_the_replica_read() -> None:
    reader = Reader(resync_s=3600)
    reader.replica.fails["readiness"] = [ZeroDivisionError("canary")]
    await asyncio.sleep(60)
    await reader.watcher.close()

    assert reader.replica.count("list_workers") == 2
    assert reader.replica.count("readiness") > 2


@at_work
async def test_a_resync_that_is_made_shorter_counts_at_once_and_the_replica_is_kept(office: Office) -> None:
    office.gateway(resyncSeconds=3600)
    await office.until(office.says(GATEWAY, "Reachable"))
    before = office.operator.fleet.gateways._watchers[GATEWAY]
    office.gateway(resyncSeconds=5)
    await asyncio.sleep(13)
    office.a.enter(WorkerSpec(url="http://x"))
    await asyncio.sleep(6)

    assert office.operator.fleet.gateways._watchers[GATEWAY] == before
    assert rows(office)[0] == ("Reachable", 1)


@at_work
async def test_a_replica_that_gets_another_key_keeps_its_memory(office: Office) -> None:
    await office.until(office.says(GATEWAY, "Reachable"))
    put_secret(office)
    office.gateway(**KEYED)
    await asyncio.sleep(1)

    assert [replica.credentials for replica in office.replicas.values()] == [("canary", SYSTEM_TRUST)] * 2
