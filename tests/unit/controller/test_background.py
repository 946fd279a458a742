"""What goes on beside the reconciling: relisting, sweeping, telling of changes."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from herder.controller.cluster.errors import Forbidden, Unreached
from herder.controller.known.objects import Body, Key, Objects
from herder.controller.rounds import every
from herder.controller.status import recorder as recorder_module
from herder.controller.status.recorder import EventRecorder, record_transition
from herder.controller.watch.relist import Relister
from herder.gateway.errors import Transient, Unavailable
from herder.gateway.spec import WorkerSpec
from herder.gateway.types import WorkerStatus
from herder.workflows.owner import ORPHANED, Owner
from unit.controller.fake_kube import NAMESPACE, FakeKube
from unit.controller.office import ENDPOINTS, GATEWAY, INSTALLATION, Office, at_work
from unit.engine.kit import virtual_time

KEY = Key("WorkerRegistration", NAMESPACE, "a")


class Registry:
    """Objects that are relisted."""

    def __init__(self, *namespaces: str) -> None:
        self.kube = FakeKube()
        self.objects = Objects()
        self.gone: list[str] = []
        self.relister = Relister(self.kube, self.objects, namespaces, seen=self._come, gone=self._go)

    def _come(self, body: Body) -> None:
        self.objects.put(body)

    def _go(self, body: Body) -> None:
        self.gone.append(body["metadata"]["uid"])
        self.objects.remove(Key.of(body), body["metadata"]["uid"])


@pytest.mark.parametrize("namespaces", [(), (NAMESPACE,)], ids=["all namespaces", "one namespace"])
async def test_everything_is_known_before_the_first_decision(namespaces: tuple[str, ...]) -> None:
    registry = Registry(*namespaces)
    registry.kube.apply("ModelGateway", "gw", {})
    registry.kube.apply(KEY.kind, KEY.name, {})

    await registry.relister.prime()

    assert list(registry.objects) == [GATEWAY, KEY]


async def test_a_deletion_that_was_lost_is_noticed_also_where_another_took_the_name() -> None:
    registry = Registry()
    lost, replaced, kept = (registry.kube.apply(KEY.kind, name, {}) for name in ("lost", "replaced", "kept"))
    await registry.relister.prime()
    for body in (lost, replaced):
        registry.kube.remove(Key.of(body))
    registry.kube.apply(KEY.kind, "replaced", {})

    await registry.relister.compare()

    assert registry.gone == [lost["metadata"]["uid"], replaced["metadata"]["uid"]]
    assert list(registry.objects) == [Key.of(kept)]


async def test_nothing_is_taken_as_gone_because_the_list_could_not_be_read() -> None:
    registry = Registry()
    registry.kube.apply(KEY.kind, KEY.name, {})
    await registry.relister.prime()
    registry.kube.fail(Unreached("503"))

    with pytest.raises(Unreached):
        await registry.relister.compare()

    assert registry.gone == []


@virtual_time
async def test_a_round_that_fails_is_logged_and_the_next_one_comes() -> None:
    rounds: list[float] = []
    errors = iter([Unreached("503"), ZeroDivisionError(), None])

    async def act() -> None:
        rounds.append(asyncio.get_running_loop().time())
        error = next(errors)
        if error is not None:
            raise error

    with capture_logs() as logs:
        task = asyncio.create_task(every(60, act))
        await asyncio.sleep(190)
        task.cancel()

    assert rounds == [60.0, 120.0, 180.0]
    assert [entry["event"] for entry in logs] == ["round.failed", "round.defect"]


def owned(**changes: str) -> Owner:
    return Owner(**{"installation": INSTALLATION, "namespace": NAMESPACE, "name": "former", "uid": "uid-0"} | changes)


ENTRIES: dict[str, tuple[dict[str, str], bool]] = {
    "a resource that is gone made it": (owned().label, True),
    "it was left on purpose": (owned().label | ORPHANED, False),
    "a resource that exists made it": (owned(name="there").label, False),
    "a former one of the same name made it": (owned(name="there", uid="uid-former").label, False),
    "a former one with another URL made it": (owned(name="elsewhere", uid="uid-former").label, True),
    "a former one with another URL left it on purpose": (owned(name="elsewhere").label | ORPHANED, False),
    "another installation made it": (owned(installation="elsewhere").label, False),
    "another namespace's made it": (owned(namespace="other").label, False),
    "somebody else made it": ({}, False),
    "its label is no owner": ({"herder.dev/owner": "x/y"}, False),
    "its label is a path": (owned(name="..").label, False),
    "its label is a query": (owned(name="a?b").label, False),
}


@pytest.mark.parametrize(("labels", "is_swept"), ENTRIES.values(), ids=ENTRIES)
@at_work
async def test_what_is_swept(office: Office, labels: dict[str, str], is_swept: bool) -> None:
    office.is_deaf = True  # what exists is not known to this process: the API server is asked
    office.worker("there", url="http://x", up=False)
    office.worker("elsewhere", up=False)
    office.a.enter(WorkerSpec(url="http://x", labels=labels))
    await asyncio.sleep(40)

    assert (office.listed() == []) is is_swept


@pytest.mark.parametrize("doubt", [Unreached("503"), Forbidden("403")], ids=["no answer", "no rights"])
@at_work
async def test_nothing_is_swept_in_doubt(office: Office, doubt: Exception) -> None:
    async def refuse(call: Any) -> None:
        if call.path.endswith("/former"):
            raise doubt

    office.kube.gate = refuse
    office.a.enter(WorkerSpec(url="http://x", labels=owned().label))
    await asyncio.sleep(60)

    assert office.listed() == ["http://x"]


@at_work
async def test_nothing_is_swept_of_a_gateway_that_is_only_observed(office: Office) -> None:
    office.gateway(mode="Observe")
    office.a.enter(WorkerSpec(url="http://x", labels=owned().label))
    await asyncio.sleep(60)

    assert office.listed() == ["http://x"]


@at_work
async def test_a_replica_that_can_not_be_swept_holds_up_no_other(office: Office) -> None:
    for replica in office.replicas.values():
        for number in range(5):
            replica.enter(WorkerSpec(url=f"http://x{number}", labels=owned().label))
    office.a.fails["delete_worker"] = [Unavailable("no answer")] * 100
    await asyncio.sleep(31)

    assert office.listed(ENDPOINTS[1]) == []
    assert office.a.count("delete_worker") <= 3
    office.a.fails.clear()
    await office.until(lambda: office.listed() == [])


@at_work
async def test_an_entry_that_can_not_be_swept_holds_up_no_other(office: Office) -> None:
    for number in range(5):
        office.a.enter(WorkerSpec(url=f"http://x{number}", labels=owned().label))
    office.a.fails["delete_worker"] = [Transient("503")]
    await asyncio.sleep(15)

    assert office.listed() == ["http://x0"]


@at_work
async def test_what_a_resource_made_anew_with_another_url_has_left_is_swept(office: Office) -> None:
    key = office.worker(drain={"settleSeconds": 0, "timeoutSeconds": 5})
    await office.registered(key)
    office.a.away = True
    await office.until(office.says(GATEWAY, "GatewayUnreachable"))
    office.kube.delete(key, at="2020-01-01T00:00:00Z")
    await office.until(lambda: office.is_gone(key))
    office.worker(url="http://new:8000")
    office.a.come_back()

    await office.until(lambda: office.listed() == ["http://new:8000"])
    await office.registered(key)
    await asyncio.sleep(60)

    assert [office.listed(endpoint) for endpoint in ENDPOINTS] == [["http://new:8000"]] * 2


@at_work
async def test_an_entry_that_was_adopted_since_it_was_listed_is_not_swept(office: Office) -> None:
    office.gateway(resyncSeconds=3600)
    entry = office.a.enter(WorkerSpec(url="http://x", labels=owned().label))
    await asyncio.sleep(5)
    office.a.alter(entry, labels=owned(name="another").label)
    office.is_deaf = True
    office.worker("another", url="http://x", up=False)
    await asyncio.sleep(60)

    assert office.listed() == ["http://x"]


@pytest.mark.parametrize("endpoints", [ENDPOINTS, ENDPOINTS[:1]], ids=["all its replicas", "one of them"])
@at_work
async def test_what_another_gateway_drives_on_the_same_replica_is_not_swept(
    office: Office, endpoints: tuple[str, ...]
) -> None:
    key = office.worker()
    await office.registered(key)
    office.kube.apply(GATEWAY.kind, "second", {"endpoints": list(endpoints)})
    await asyncio.sleep(60)

    assert [replica.count("delete_worker") for replica in office.replicas.values()] == [0, 0]


@at_work
async def test_what_is_declared_on_another_gateways_replicas_is_swept_here(office: Office) -> None:
    office.kube.apply(GATEWAY.kind, "second", {"endpoints": [ENDPOINTS[1]]})
    office.gateway(ENDPOINTS[0])
    office.a.enter(WorkerSpec(url="http://a:8000", labels=owned(name="a", uid="uid-former").label))
    key = office.worker(gatewayRef={"name": "second"})
    await office.registered(key)

    await office.until(lambda: office.listed() == [])
    await asyncio.sleep(30)

    assert office.listed(ENDPOINTS[1]) == ["http://a:8000"]


def status(value: str, reason: str, *types: str) -> dict[str, Any]:
    shown = [{"type": "Ready", "status": value, "reason": reason, "message": f"about {reason}"}]
    return {"conditions": [*shown, *({"type": kind, "status": "True"} for kind in types)]}


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = {
    "first": ({}, status("False", "Registering"), [("Normal", "Registering")]),
    "flipped": (status("False", "Registering"), status("True", "Registered"), [("Normal", "Registered")]),
    "another reason": (
        status("False", "Registering"),
        status("False", "StepFailed", "Stalled"),
        [("Warning", "StepFailed")],
    ),
    "unknown": (
        status("True", "Registered"),
        status("Unknown", "GatewayUnreachable", "Reconciling"),
        [("Warning", "GatewayUnreachable")],
    ),
    "the same": (status("False", "Registering"), status("False", "Registering", "Reconciling"), []),
    "nothing said": (status("True", "Registered"), {}, []),
}


@pytest.mark.parametrize(("before", "after", "told"), CHANGES.values(), ids=CHANGES)
async def test_what_is_told_of_a_change(
    before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    kube = FakeKube()
    recorder = EventRecorder(kube)
    body = kube.apply(KEY.kind, KEY.name, {}) | {"status": before}

    record_transition(recorder, KEY, body, after)

    task = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    assert [(event["type"], event["reason"]) for event in kube.events] == told
    assert all(event["involvedObject"]["uid"] == body["metadata"]["uid"] for event in kube.events)


@virtual_time
async def test_an_event_that_can_not_be_posted_is_dropped_and_the_next_one_told() -> None:
    kube = FakeKube()
    recorder = EventRecorder(kube)
    body = kube.apply(KEY.kind, KEY.name, {})
    kube.fail(Forbidden("the namespace is going"))
    for reason in ("One", "Two"):
        recorder.record(KEY, body, reason=reason, message="m" * 5000, is_warning=False)

    task = asyncio.create_task(recorder.run())
    await asyncio.sleep(1)
    task.cancel()

    assert [(event["reason"], len(event["message"])) for event in kube.events] == [("Two", 1024)]


async def test_events_that_nobody_posts_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_MOST_WAITING", 10)
    kube = FakeKube()
    recorder = EventRecorder(kube)
    body = kube.apply(KEY.kind, KEY.name, {})

    for _ in range(100):
        recorder.record(KEY, body, reason="Again", message="", is_warning=False)

    assert recorder._waiting.qsize() == 10


@at_work
async def test_a_worker_that_flaps_is_written_of_no_more_often_than_its_gateway_is_read(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    before = office.writes(key)
    (entry,) = office.a.listed
    for second in range(100):
        office.a.alter(entry.id, status=WorkerStatus.READY if second % 2 else WorkerStatus.NOT_READY)
        await asyncio.sleep(1)

    assert office.writes(key) - before <= 12
    assert len(office.told(key)) <= 20


@at_work
async def test_what_was_swept_is_told_of_once_for_a_replica(office: Office) -> None:
    for number in range(5):
        office.a.enter(WorkerSpec(url=f"http://x{number}", labels=owned().label))
    await office.until(lambda: office.listed() == [])
    await asyncio.sleep(30)

    told = [event for event in office.kube.events if event["reason"] == "OrphanRemoved"]
    assert [(event["type"], event["involvedObject"]["name"]) for event in told] == [("Normal", GATEWAY.name)]
    assert told[0]["message"] == (
        f"{ENDPOINTS[0]}: removed what herder made and no resource declares any more: worker http://x0 of "
        "WorkerRegistration former, worker http://x1 of WorkerRegistration former, worker http://x2 of "
        "WorkerRegistration former and 2 more"
    )


@at_work
async def test_nothing_is_told_where_nothing_was_swept(office: Office) -> None:
    office.a.enter(WorkerSpec(url="http://x"))
    await asyncio.sleep(60)

    assert ("Normal", "OrphanRemoved") not in office.told(GATEWAY)
