"""What Prometheus finds."""

import asyncio

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from herder.cli.catalog import workflows
from herder.controller.cluster.errors import Rejected, Unreached
from herder.controller.known.objects import KINDS, Key
from herder.controller.known.queue import WorkQueue
from herder.controller.metrics import catalog
from herder.controller.metrics.registry import Metrics
from herder.controller.metrics.serving import CannotServe, served
from herder.controller.options import Options
from herder.controller.status.recorder import EventRecorder
from herder.net.address import AddressPolicy
from herder.net.http import Http
from unit.controller.fake_kube import FakeKube
from unit.controller.office import ENDPOINTS, GATEWAY, Office, at_work, working
from unit.engine.kit import virtual_time
from unit.net.servers import HOST, serving

CANARY = "canary-9c1d"


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values, in the order of the labels' names."""
    families = text_string_to_metric_families(metrics.text().decode())
    samples = [sample for family in families for sample in family.samples]
    return {(s.name, *(s.labels[name] for name in sorted(s.labels))): s.value for s in samples}


@virtual_time
async def test_runs_that_wait_are_counted_by_what_for_and_for_how_long() -> None:
    async with working(Options(runs_at_once=1)) as office:
        for endpoint in ENDPOINTS:
            office.replicas[endpoint].hangs = True
        for number in range(10):
            office.worker(f"w{number}")
        await asyncio.sleep(4)

        seen = values(office.operator.metrics)

        assert seen[("herder_runs_waiting", "worker")] == 5  # four have lent their place, one has it
        assert seen[("herder_runs_waiting", "removal")] == seen[("herder_runs_waiting", "rest")] == 0
        assert 3 < seen[("herder_runs_oldest_wait_seconds",)] < 5
        assert seen[("herder_runs_running",)] == 10
        assert seen[("herder_gateway_runs_waiting", "gw", "ns")] == 5
        assert seen[("herder_queue_depth", "WorkerRegistration")] == 0


def of_gateway(office: Office) -> dict[str, float]:
    seen = values(office.operator.metrics)
    return {key[-1]: value for key, value in seen.items() if key[:3] == ("herder_gateway_entries", "gw", "ns")}


@at_work
async def test_entries_are_shown_by_gateway_and_go_with_it(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    seen = of_gateway(office)
    office.operator.metrics.healed(GATEWAY, 1.0)
    office.kube.remove(GATEWAY)
    await asyncio.sleep(1)

    assert seen == {"declared": 2, "registered": 2, "foreign": 0, "drifted": 0, "orphaned": 0}
    assert [name for name in values(office.operator.metrics) if "gw" in name] == []


@at_work
async def test_before_the_first_replica_is_healed_it_is_seen_that_none_was(office: Office) -> None:
    never = values(office.operator.metrics)
    await office.registered(office.worker())
    await asyncio.sleep(30)
    office.a.restart()
    await asyncio.sleep(30)
    then = values(office.operator.metrics)

    name = "herder_replica_heal_seconds"
    assert never[(f"{name}_count", "gw", "ns")] == never[(f"{name}_bucket", "gw", "60.0", "ns")] == 0
    assert then[(f"{name}_count", "gw", "ns")] == then[(f"{name}_bucket", "gw", "60.0", "ns")] == 1


@at_work
async def test_no_url_and_no_secret_is_in_a_metric(office: Office) -> None:
    key = office.worker(url=f"http://{CANARY}:8000")
    await office.registered(key)
    await asyncio.sleep(30)
    office.a.restart()
    await asyncio.sleep(30)

    text = office.operator.metrics.text().decode()

    assert 'herder_replica_heal_seconds_count{gateway="gw",namespace="ns"} 1.0' in text
    assert [word for word in (CANARY, "http", "replica-a") if word in text] == []


def shown(office: Office, name: str, **labels: str) -> dict[str, float]:
    """The samples of a metric that have these labels, by the values of the other labels."""
    families = text_string_to_metric_families(office.operator.metrics.text().decode())
    samples = [
        s for family in families for s in family.samples if s.name == name and labels.items() <= s.labels.items()
    ]
    return {"/".join(s.labels[k] for k in sorted(s.labels) if k not in labels): s.value for s in samples}


@at_work
async def test_a_runs_end_is_counted_and_each_attempt_of_its_steps(office: Office) -> None:
    key = office.worker()
    office.workers["http://a:8000"].up_since_s = 5.0
    await office.registered(key)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    steps = shown(office, "herder_workflow_step_attempts_total", workflow="worker-registration")

    ended = {name: count for name, count in shown(office, "herder_workflow_runs_total").items() if count}
    assert ended == {"Completed/worker-registration": 1, "Completed/worker-removal": 1}
    assert shown(office, "herder_workflow_run_duration_seconds_count", workflow="worker-removal") == {"Completed": 1}
    assert steps["Succeeded/register"] == steps["Succeeded/detect_connection"] == 1
    assert steps["Retrying/detect_connection"] >= 1
    seconds = shown(office, "herder_workflow_step_duration_seconds_sum", step="detect_connection")
    assert 4 < seconds["Succeeded/worker-registration"] < 60


@at_work
async def test_a_run_that_fails_and_one_that_is_replaced_are_told_apart(office: Office) -> None:
    sick = office.worker("sick", up=False, startup={"timeoutSeconds": 10})
    await office.until(office.says(sick, "WorkerUnreachable"))
    replaced = office.worker("b", up=False)
    await office.until(office.has_begun(replaced))
    office.worker("b", url="http://c:8000")
    await office.registered(replaced)

    assert shown(office, "herder_workflow_runs_total", workflow="worker-registration") == {
        "Failed": 1,
        "Stopped": 1,
        "Completed": 1,
        "Cancelled": 0,
    }


@at_work
async def test_before_the_first_run_it_is_seen_of_every_workflow_that_none_has_failed(office: Office) -> None:
    counts = shown(office, "herder_workflow_runs_total")

    endings = ("Completed", "Failed", "Cancelled", "Stopped")
    assert counts == {f"{ending}/{workflow}": 0 for ending in endings for workflow in workflows()}


@at_work
async def test_what_the_process_leaves_to_the_next_one_is_no_end_of_a_run(office: Office) -> None:
    key = office.worker(up=False)
    await office.until(office.has_begun(key))
    before = office.operator.metrics
    await office.restart()

    assert {count for name, count in values(before).items() if name[0].startswith("herder_workflow_run")} == {0}


@at_work
async def test_resources_are_counted_by_what_their_status_says_whatever_others_write_there(office: Office) -> None:
    for name in "abc":
        await office.registered(office.worker(name))
    gateway = office.kube.status(GATEWAY)
    odd = {"type": "Ready", "status": CANARY, "reason": CANARY}
    office.operator.known.intake.seen({**office.kube.set_status(GATEWAY, {**gateway, "conditions": [odd]})})

    assert shown(office, "herder_resources") == {
        "WorkerRegistration/True/Registered": 3,
        "ModelGateway/None/Other": 1,
    }


@at_work
async def test_replicas_are_shown_by_state_and_what_is_not_healed_by_its_age(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(30)
    office.workers["http://a:8000"].up_since_s = None
    office.replicas[ENDPOINTS[1]].away = True
    office.a.restart()
    await asyncio.sleep(40)

    replicas = shown(office, "herder_gateway_replicas", gateway="gw", namespace="ns")
    assert replicas == {"Reachable": 1, "Unreachable": 1, "Refuses": 0, "Unknown": 0}
    assert shown(office, "herder_gateway_info") == {"gw/Enforce/ns": 1}
    assert shown(office, "herder_gateway_unhealed_seconds")["gw/ns"] > 20


@at_work
async def test_a_queue_that_is_not_worked_on_grows_and_ages(office: Office) -> None:
    office.operator.known.queue.add(GATEWAY)
    await asyncio.sleep(1)
    idle = shown(office, "herder_queue_oldest_seconds")
    queue = WorkQueue(clock=asyncio.get_running_loop().time)
    queue.add(GATEWAY)
    await asyncio.sleep(5)
    queue.add(Key("Tokenizer", "ns", "t"))
    await asyncio.sleep(2)

    assert set(idle.values()) == {0}
    assert queue.depths == {"ModelGateway": 1, "Tokenizer": 1}
    assert {kind: round(age_s) for kind, age_s in queue.ages_s.items()} == {"ModelGateway": 7, "Tokenizer": 2}


@at_work
async def test_a_watch_is_as_old_as_the_last_list_that_it_agreed_with(office: Office) -> None:
    await asyncio.sleep(130)
    well = shown(office, "herder_watch_age_seconds")
    office.is_deaf = True
    office.kube.touch(GATEWAY, labels={"a": "b"})
    await asyncio.sleep(600)
    deaf = shown(office, "herder_watch_age_seconds")

    assert set(well) == set(KINDS)
    assert max(well.values()) <= 61
    assert deaf["ModelGateway"] > 500
    assert deaf["Tokenizer"] <= 61


@at_work
async def test_looks_that_fail_are_counted_by_whose_fault_it_is(office: Office) -> None:
    office.kube.fail(Unreached("away"))
    key = office.worker()
    await office.registered(key)
    seen = shown(office, "herder_reconcile_failures_total", kind="WorkerRegistration")

    assert seen == {"Cluster": 1, "Defect": 0}


@virtual_time
async def test_events_that_are_dropped_are_counted_by_why() -> None:
    kube, metrics = FakeKube(), Metrics()
    recorder = EventRecorder(kube, dropped=metrics.event_dropped)
    kube.fail(Rejected("no such namespace"))
    body = kube.apply(GATEWAY.kind, GATEWAY.name, {})
    for _ in range(1002):
        recorder.record(GATEWAY, body, reason="Told", message="", is_warning=False)
    posting = asyncio.create_task(recorder.run())
    await asyncio.sleep(1)
    posting.cancel()
    await asyncio.wait({posting})

    assert values(metrics)[("herder_events_dropped_total", "Full")] == 2
    assert values(metrics)[("herder_events_dropped_total", "Refused")] == 1
    assert len(kube.events) == 999


@at_work
async def test_with_ten_times_the_resources_there_are_no_more_series(office: Office) -> None:
    keys = [office.worker("a"), office.worker("sick", up=False)]
    await office.registered(keys[0])
    await asyncio.sleep(30)
    few = len(values(office.operator.metrics))
    keys += [office.worker(f"w{number}", up=number % 2 == 0) for number in range(20)]
    await asyncio.sleep(60)

    names = {word for sample in values(office.operator.metrics) for word in sample[1:]}
    assert len(values(office.operator.metrics)) <= few + 5  # a state that none had been in
    assert names.isdisjoint(key.name for key in keys)


@at_work
async def test_everything_that_names_a_gateway_or_its_namespace_goes_with_it(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(30)
    office.a.restart()
    await asyncio.sleep(30)
    named = {sample[0] for sample in values(office.operator.metrics) if {"gw", "ns"} <= set(sample)}
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    office.kube.remove(GATEWAY)
    await asyncio.sleep(1)

    assert {"herder_gateway_info", "herder_replica_heal_seconds_count", "herder_gateway_runs_waiting"} <= named
    assert [sample for sample in values(office.operator.metrics) if {"gw", "ns"} & set(sample)] == []


@at_work
async def test_a_gateway_that_goes_while_a_replica_is_healed_leaves_nothing(office: Office) -> None:
    key = office.worker()
    await office.registered(key)
    await asyncio.sleep(30)
    office.workers["http://a:8000"].up_since_s = None
    office.a.restart()
    await office.until(lambda: shown(office, "herder_gateway_unhealed_seconds")["gw/ns"] > 0)

    office.kube.remove(GATEWAY)
    office.kube.remove(key)
    await asyncio.sleep(1)

    assert shown(office, "herder_replica_heal_seconds_count") == {}


@at_work
async def test_one_that_acts_no_more_shows_nothing_of_what_it_knew(office: Office) -> None:
    await office.registered(office.worker())
    await asyncio.sleep(30)
    office.a.restart()
    await asyncio.sleep(30)
    before = office.operator.metrics
    await office.restart()
    await asyncio.sleep(600)

    names = {name for name, *_ in values(before)}
    assert [name for name in names if name.startswith(("herder_gateway_", "herder_replica_"))] == []
    assert names.isdisjoint({"herder_watch_age_seconds", "herder_queue_depth", "herder_resources"})
    assert {"herder_leader", "herder_workflow_runs_total"} <= names


@virtual_time
async def test_there_is_what_the_catalogue_says_and_nothing_else() -> None:
    declared = {metric.name: metric.text for _, metrics in catalog.GROUPS for metric in metrics}
    async with working() as office:
        lines = [line.split(maxsplit=3) for line in office.operator.metrics.text().decode().splitlines()]
        told = {words[2]: words[3] for words in lines if words[:2] == ["#", "HELP"]}

    assert {name: text for name, text in told.items() if not name.startswith("process_")} == declared


def test_every_label_is_described_and_none_is_that_does_not_exist() -> None:
    used = {label for _, metrics in catalog.GROUPS for metric in metrics for label in metric.labels}

    assert used == set(catalog.LABELS)


async def nobody(_request: web.Request) -> web.Response:
    """It is never asked."""
    return web.Response()


async def test_they_are_served_and_a_port_that_is_taken_is_said() -> None:
    async with serving(nobody) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(CannotServe, match=f"on {HOST}:{port}: address already in use"):
            async with served(Metrics().text, HOST, port):
                pass

    metrics = Metrics()
    metrics.healed(GATEWAY, 2.0)
    async with Http(AddressPolicy(allow_loopback=True)) as http, served(metrics.text, HOST, port):
        answer = await http.request("GET", f"http://{HOST}:{port}/metrics", deadline_s=5)

    assert answer.status == 200
    assert b"herder_replica_heal_seconds_count" in answer.body
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_with_port_zero_nothing_is_served() -> None:
    async with served(Metrics().text, HOST, 0):
        pass
