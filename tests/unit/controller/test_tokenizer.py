"""Tokenizers in the hands of the controller: declared, changed, killed in between, deleted."""

import asyncio
from typing import Any

from herder.controller.known.objects import Key
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import Office, at_work
from unit.workflows.tokenizer_world import NAME, OTHER, SOURCE, TEMPLATE
from unit.workflows.tokenizer_world import FakeReplica as FakeTokenizers

KEY = Key("Tokenizer", NAMESPACE, "t")


def declare(office: Office, source: str = SOURCE, name: str = "t", **spec: Any) -> Key:
    """Declare a tokenizer, or change its declaration."""
    office.kube.apply("Tokenizer", name, {"gatewayRef": {"name": "gw"}, "name": NAME, "source": source, **spec})
    return Key("Tokenizer", NAMESPACE, name)


def tokenizers(office: Office) -> list[FakeTokenizers]:
    """Those of each replica."""
    return [replica.tokenizers for replica in office.replicas.values()]


def loaded(office: Office) -> list[str | None]:
    """What each replica has under the name."""
    return [each.loaded for each in tokenizers(office)]


async def as_killed(office: Office, rows: list[dict[str, Any]]) -> None:
    """Start another operator after one that was killed in the middle of its run, a second after its last write."""
    await office.stop()
    status = office.kube.status(KEY)
    run = {**status["workflow"], "status": "Running"}
    run.pop("finishedAt", None)
    office.kube.set_status(KEY, {**status, "replicas": rows, "workflow": run})
    office.operator = office.hire()
    await office.start()


@at_work
async def test_it_is_shown_as_the_replicas_hold_it(office: Office) -> None:
    key = declare(office)
    await office.registered(key)

    status = office.kube.status(key)

    assert status["tokenizer"] == {"name": NAME, "source": SOURCE, "vocabSize": 3}
    assert status["registered"] == "2/2"
    assert [row["workerId"] for row in status["replicas"]] == [each.listed[0].id for each in tokenizers(office)]


@at_work
async def test_it_is_unloaded_when_it_is_deleted_unless_it_is_to_stay(office: Office) -> None:
    key = declare(office, deletionPolicy="Orphan")
    await office.registered(key)
    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))
    left = loaded(office)

    adopting = declare(office, name="u")
    office.annotate(adopting, adopt="true")
    await office.registered(adopting)
    office.kube.delete(adopting)
    await office.until(lambda: office.is_gone(adopting))

    assert (left, loaded(office)) == ([SOURCE] * 2, [None] * 2)


@at_work
async def test_of_two_with_one_name_the_older_one_wins(office: Office) -> None:
    await office.registered(declare(office))

    second = declare(office, OTHER, name="u")
    await office.until(office.says(second, "Conflict"))

    text = "spec.name is declared by the older Tokenizer t already: delete one of the two, or correct spec.name"
    assert text in office.condition(second)["message"]
    assert loaded(office) == [SOURCE] * 2


@at_work
async def test_one_that_vanished_is_loaded_again(office: Office) -> None:
    key = declare(office)
    await office.registered(key)

    office.a.tokenizers.restart()
    await office.until(lambda: loaded(office) == [SOURCE] * 2)

    await office.registered(key)
    assert ("Warning", "Drifted") in office.told(key)


@at_work
async def test_what_can_not_be_loaded_is_stalled_and_what_was_there_stays(office: Office) -> None:
    key = declare(office)
    await office.registered(key)

    declare(office, "/models/none")
    await office.until(office.says(key, "LoadFailed"))

    assert office.condition(key, "Stalled")["status"] == "True"
    assert loaded(office) == [SOURCE] * 2
    assert office.kube.status(key)["tokenizer"]["source"] == SOURCE


@at_work
async def test_a_killed_replacement_is_carried_on_though_the_status_names_what_is_gone(office: Office) -> None:
    key = declare(office)
    await office.registered(key)
    rows = office.kube.status(key)["replicas"]
    office.a.tokenizers.takes_s = 0.5
    declare(office, OTHER)
    await office.until(lambda: loaded(office)[0] == OTHER)

    await as_killed(office, rows)
    await office.registered(key)

    assert loaded(office) == [OTHER] * 2
    assert [each.count("delete_tokenizer") for each in tokenizers(office)] == [1, 1]


@at_work
async def test_a_killed_replacement_is_taken_off_though_the_status_names_what_is_gone(office: Office) -> None:
    key = declare(office)
    await office.registered(key)
    rows = office.kube.status(key)["replicas"]
    declare(office, OTHER)
    await office.until(lambda: loaded(office)[0] == OTHER)
    office.kube.delete(key)

    await as_killed(office, rows)
    await office.until(lambda: office.is_gone(key))

    assert loaded(office) == [None] * 2


@at_work
async def test_what_a_killed_run_had_put_back_is_taken_off_too(office: Office) -> None:
    key = declare(office, chatTemplatePath=TEMPLATE)
    await office.registered(key)
    rows = office.kube.status(key)["replicas"]
    declare(office, "/models/none")
    await office.until(lambda: len(office.a.tokenizers.posted) == 3)
    await office.until(lambda: loaded(office)[0] == SOURCE)
    office.kube.delete(key)

    await as_killed(office, rows)
    await office.until(lambda: office.is_gone(key))

    assert loaded(office) == [None] * 2


@at_work
async def test_a_replica_that_does_not_answer_is_given_up_when_the_time_is_over(office: Office) -> None:
    key = declare(office, removal={"timeoutSeconds": 5, "onTimeout": "Force"})
    await office.registered(key)
    office.a.tokenizers.away = True
    began_s = asyncio.get_running_loop().time()

    office.kube.delete(key)
    await office.until(lambda: office.is_gone(key))

    assert asyncio.get_running_loop().time() - began_s < 15
    assert loaded(office)[1] is None
