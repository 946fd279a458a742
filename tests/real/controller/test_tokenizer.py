"""A Tokenizer from `kubectl apply` to Ready on three real replicas, changed, repaired, refused and deleted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rig.declared import Declared
from rig.gateway import Smg, running
from rig.operator_process import Operator
from rig.resource import Resource
from rig.tokenizers import loaded, tokens, write_tokenizer
from rig.waiting import eventually
from rig.web import fetch

NAME = "org/model"


@dataclass(frozen=True)
class Stage(Resource):
    """The Tokenizer `t`, and three replicas behind the gateway `gw`."""

    smgs: tuple[Smg, ...]

    def apply(self, source: Path, **spec: Any) -> None:
        """Declare the tokenizer, or change its declaration."""
        self.write({"gatewayRef": {"name": "gw"}, "name": NAME, "source": str(source), **spec})

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """The steps of its last run, by name."""
        return {step["name"]: step for step in self.status["workflow"]["steps"]}

    @property
    def loaded(self) -> list[str | None]:
        """The source of what each replica has under the name."""
        return [loaded(smg.url).get(NAME) for smg in self.smgs]

    def tell(self, replica: Smg, source: Path) -> None:
        """Have a replica load the name as somebody with `curl` would."""
        body = json.dumps({"name": NAME, "source": str(source)}).encode()
        fetch(f"{replica.url}/v1/tokenizers", method="POST", body=body)


@pytest.fixture
def smgs(log_dir: Path) -> Iterator[tuple[Smg, ...]]:
    """Three fresh replicas."""
    with running(3, log_dir=log_dir) as started:
        yield started


@pytest.fixture
def stage(declared: Declared, smgs: tuple[Smg, ...], start_operator: Callable[..., Operator]) -> Stage:
    """The replicas declared, and an operator at work."""
    declared.gateway(smgs)
    start_operator().wait_healthy()
    return Stage(declared, "Tokenizer", "t", smgs)


async def test_it_is_ready_on_three_replicas_and_gone_from_them_when_it_is_deleted(stage: Stage, source: Path) -> None:
    stage.apply(source)

    found = await stage.until(reason="Registered")

    assert found["status"]["registered"] == "3/3"
    assert found["status"]["tokenizer"] == {"name": NAME, "source": str(source), "vocabSize": 3}
    assert {name: step["status"] for name, step in stage.steps.items()} == {
        "find": "Succeeded",
        "load": "Succeeded",
        "await_loaded": "Succeeded",
        "replace": "Skipped",
        "verify": "Succeeded",
    }
    assert [tokens(smg.url, NAME, "hello world") for smg in stage.smgs] == [[1, 2]] * 3
    await stage.delete()
    assert stage.loaded == [None] * 3


async def test_a_changed_source_is_loaded_everywhere(stage: Stage, source: Path, other: Path) -> None:
    stage.apply(source)
    await stage.until(reason="Registered")

    stage.apply(other)
    await eventually(lambda: stage.loaded == [str(other)] * 3, 20)
    found = await stage.until(reason="Registered")

    assert found["status"]["tokenizer"]["source"] == str(other)
    assert stage.steps["replace"]["status"] == "Succeeded"


async def test_a_source_that_can_not_be_loaded_is_stalled_with_the_reason_and_the_former_one_serves_on(
    stage: Stage, source: Path, tmp_path: Path
) -> None:
    stage.apply(source)
    await stage.until(reason="Registered")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tokenizer.json").write_text("{nope")

    stage.apply(broken)
    found = await stage.until("Stalled", reason="LoadFailed", timeout_s=40)

    message = next(each["message"] for each in found["status"]["conditions"] if each["type"] == "Stalled")
    assert "key must be a string" in message
    assert "What was loaded before was put back" in message
    assert stage.loaded == [str(source)] * 3
    assert found["status"]["tokenizer"]["source"] == str(source)


async def test_it_is_loaded_once_the_source_is_there_and_a_retry_is_asked_for(stage: Stage, tmp_path: Path) -> None:
    late = tmp_path / "late"
    stage.apply(late, loading={"timeoutSeconds": 1})
    await stage.until("Stalled", reason="LoadFailed", timeout_s=40)

    write_tokenizer(late, "hello", "world")
    stage.annotate(retry="1")

    found = await stage.until(reason="Registered", timeout_s=30)
    assert found["status"]["registered"] == "3/3"


async def test_of_a_source_that_is_not_there_yet_it_is_said_why_and_until_when(stage: Stage, tmp_path: Path) -> None:
    late = tmp_path / "late"
    stage.apply(late)

    found = await stage.until("Reconciling", reason="ProgressingWithRetry", timeout_s=40)

    message = next(each["message"] for each in found["status"]["conditions"] if each["type"] == "Reconciling")
    assert f"can't load {late}: " in message
    assert "; it is tried until " in message
    write_tokenizer(late, "hello", "world")
    await stage.until(reason="Registered", timeout_s=60)


async def test_a_replica_that_restarted_gets_it_again(stage: Stage, source: Path) -> None:
    stage.apply(source)
    await stage.until(reason="Registered")

    stage.smgs[1].restart()
    await eventually(lambda: stage.loaded == [str(source)] * 3, 30)

    assert (await stage.until(reason="Registered"))["status"]["registered"] == "3/3"


async def test_one_that_was_unloaded_by_hand_is_loaded_again(stage: Stage, source: Path) -> None:
    stage.apply(source)
    found = await stage.until(reason="Registered")
    row = found["status"]["replicas"][0]

    fetch(f"{row['endpoint']}/v1/tokenizers/{row['workerId']}", method="DELETE")

    await eventually(lambda: stage.loaded == [str(source)] * 3, 20)


async def test_a_name_that_is_anothers_is_refused_until_it_is_adopted(stage: Stage, source: Path, other: Path) -> None:
    stage.tell(stage.smgs[0], other)
    await eventually(lambda: stage.loaded[0] == str(other))

    stage.apply(source)
    await stage.until("Stalled", reason="ForeignEntry")
    before = stage.loaded
    stage.annotate(adopt="true")
    await stage.until(reason="Registered")

    assert before[0] == str(other)
    assert stage.loaded == [str(source)] * 3


async def test_a_changed_name_is_a_removal_and_a_registration(stage: Stage, source: Path) -> None:
    stage.apply(source)
    await stage.until(reason="Registered")

    stage.apply(source, name="another")
    await eventually(lambda: all(loaded(smg.url) == {"another": str(source)} for smg in stage.smgs), 20)

    found = await stage.until(reason="Registered")
    assert found["status"]["tokenizer"]["name"] == "another"
