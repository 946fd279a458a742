"""What a gateway's status counts, and what is said in it where nothing is changed."""

import asyncio
from typing import Any

from herder.api.meta import WORKER_REGISTRATION
from herder.controller.known.objects import Key
from herder.gateway.spec import WorkerSpec
from herder.workflows.owner import ORPHANED, Owner
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import ENDPOINTS, GATEWAY, INSTALLATION, Office, at_work
from unit.workflows.tokenizer_world import NAME, SOURCE

RESYNC_S = 10


def counts(office: Office) -> dict[str, int]:
    found: dict[str, int] = office.kube.status(GATEWAY)["entries"]
    return found


def row(office: Office, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = office.kube.status(GATEWAY)["replicas"][number]
    return found


def orphan_of(name: str) -> dict[str, str]:
    return Owner(INSTALLATION, NAMESPACE, name, "uid-0").label


@at_work
async def test_entries_are_counted_over_all_replicas_and_for_each(office: Office) -> None:
    office.a.enter(WorkerSpec(url="http://foreign"))
    keys = [office.worker(name) for name in ("a", "b")]
    down = office.worker("down", up=False)
    for key in keys:
        await office.registered(key)
    await office.until(office.has_begun(down))
    await asyncio.sleep(RESYNC_S * 2)

    assert counts(office) == {"declared": 6, "registered": 4, "foreign": 1, "drifted": 0, "orphaned": 0}
    assert office.kube.status(GATEWAY)["registered"] == "4/6"
    assert {name: row(office)[name] for name in ("workers", "registered", "foreign", "drifted")} == {
        "workers": 3,
        "registered": 2,
        "foreign": 1,
        "drifted": 0,
    }


@at_work
async def test_what_a_resource_no_longer_declares_is_no_longer_counted(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(RESYNC_S * 2)
    before = counts(office)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    await asyncio.sleep(RESYNC_S * 2)

    assert (before["declared"], before["registered"]) == (2, 2)
    assert counts(office) == {"declared": 0, "registered": 0, "foreign": 0, "drifted": 0, "orphaned": 0}


@at_work
async def test_what_was_left_of_a_resource_that_is_gone_is_counted(office: Office) -> None:
    office.a.enter(WorkerSpec(url="http://left", labels=orphan_of("gone") | ORPHANED))
    office.a.enter(WorkerSpec(url="http://anew", labels=orphan_of("a") | ORPHANED))  # of another one of this name
    await office.registered(office.worker())
    await asyncio.sleep(RESYNC_S * 2)

    assert counts(office) == {"declared": 2, "registered": 2, "foreign": 0, "drifted": 0, "orphaned": 2}
    assert row(office)["orphaned"] == 2


@at_work
async def test_a_replica_that_is_away_counts_for_nothing(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    office.a.away = True
    await office.until(office.says(GATEWAY, "GatewayUnreachable"))
    await asyncio.sleep(RESYNC_S * 2)

    assert counts(office) == {"declared": 2, "registered": 1, "foreign": 0, "drifted": 0, "orphaned": 0}
    assert "registered" not in row(office)


@at_work
async def test_the_time_in_a_row_moves_only_with_the_row(office: Office) -> None:
    await office.until(office.says(GATEWAY, "Reachable"))
    await asyncio.sleep(RESYNC_S * 3)
    first, writes = row(office)["verifiedAt"], office.writes(GATEWAY)
    await asyncio.sleep(RESYNC_S * 30)

    assert (row(office)["verifiedAt"], office.writes(GATEWAY)) == (first, writes)


@at_work
async def test_a_gateway_that_is_only_observed_says_what_would_be_done_and_nothing_is(office: Office) -> None:
    key = office.worker("replaced")
    await office.registered(key)
    office.gateway(mode="Observe")
    [entry] = office.a.listed
    office.a.alter(entry.id, priority=3)
    office.worker("new")
    office.worker("suspended", suspend=True)
    office.a.enter(WorkerSpec(url="http://left", labels=orphan_of("gone")))
    office.a.calls.clear()
    await asyncio.sleep(RESYNC_S * 4)

    status = office.kube.status(GATEWAY)
    plan = [(each["endpoint"], each["action"], each["name"]) for each in status["plan"]]
    assert plan == [
        (ENDPOINTS[0], "Remove", "gone"),
        (ENDPOINTS[0], "Register", "new"),
        (ENDPOINTS[0], "Replace", "replaced"),
        (ENDPOINTS[1], "Register", "new"),
    ]
    assert {each["kind"] for each in status["plan"]} == {WORKER_REGISTRATION.kind}
    assert (status["planned"], counts(office)["drifted"]) == (4, 1)
    assert set(office.a.calls) <= {"list_workers", "list_model_ids", "readiness", "get_worker"}

    office.gateway(mode="Enforce")
    await office.until(lambda: "plan" not in office.kube.status(GATEWAY) or not office.kube.status(GATEWAY)["plan"])


@at_work
async def test_of_a_long_plan_the_beginning_is_shown_and_the_whole_counted(office: Office) -> None:
    office.gateway(mode="Observe")
    for number in range(40):
        office.worker(f"w{number}")
    await asyncio.sleep(RESYNC_S * 3)

    status = office.kube.status(GATEWAY)
    assert (len(status["plan"]), status["planned"]) == (32, 80)


@at_work
async def test_a_changed_url_is_planned_where_nothing_is_changed(office: Office) -> None:
    key = office.worker()
    await office.registered(key)

    office.gateway(mode="Observe")
    office.worker(url="http://b:8000")
    await office.until(office.says(key, "Observed"))
    await asyncio.sleep(RESYNC_S)

    status = office.kube.status(GATEWAY)
    assert [(each["action"], each["name"]) for each in status["plan"]] == [("Replace", key.name)] * 2
    assert (counts(office)["registered"], counts(office)["drifted"]) == (0, 2)
    assert office.listed() == ["http://a:8000"]


@at_work
async def test_a_changed_gateway_is_planned_where_nothing_is_changed(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    other = Key(GATEWAY.kind, NAMESPACE, "gw2")

    office.kube.apply("ModelGateway", other.name, {"endpoints": list(ENDPOINTS), "mode": "Observe"})
    office.worker(gatewayRef={"name": other.name})
    await office.until(office.says(key, "Observed"))
    await asyncio.sleep(RESYNC_S)

    plan = office.kube.status(other)["plan"]
    assert [(each["action"], each["name"]) for each in plan] == [("Register", key.name)] * 2


@at_work
async def test_tokenizers_that_no_status_knows_are_foreign_where_tokenizers_are_read(office: Office) -> None:
    office.a.tokenizers.enter(name="by hand")
    office.kube.apply("Tokenizer", "t", {"gatewayRef": {"name": "gw"}, "name": NAME, "source": SOURCE})
    await office.registered(Key("Tokenizer", NAMESPACE, "t"))
    await asyncio.sleep(RESYNC_S * 2)

    assert (counts(office)["registered"], counts(office)["foreign"], row(office)["foreign"]) == (2, 1, 1)
