"""What a list shows of a difference, and what it can't."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from herder.api.status import EntryState
from herder.gateway.types import Model, Worker
from herder.workflows.compare import difference, look
from herder.workflows.entry import NO_ENTRY, Entry
from herder.workflows.look import Look
from unit.workflows.made import ID, OTHER_ID, OWNER, STRANGER, URL, plan, worker

DECLARED = plan(
    cost="0.0002",
    priority=7,
    workerType="Prefill",
    bootstrapPort=8998,
    runtime="vLLM",
    labels={"zone": "a"},
    apiKeySecretRef=None,
)
SHOWN: dict[str, Any] = {
    "cost": 0.00019999999494757503,  # the nearest number in single precision
    "priority": 7,
    "worker_type": "prefill",
    "bootstrap_port": 8998,
    "runtime_type": "vllm",
    "labels": {**OWNER.label, "zone": "a", "model_path": "discovered"},
}

ROWS = {
    "as declared": ({}, (), None),
    "priority": ({"priority": 8}, (), "it lists priority 8, not 7"),
    "a cost that differs little, for its size": ({"cost": 0.0001}, (), "it lists cost 0.0001, not 0.0002"),
    "type": ({"worker_type": "decode"}, (), "it lists type decode, not prefill"),
    "bootstrap port": ({"bootstrap_port": None}, (), "it lists bootstrap port none, not 8998"),
    "runtime": ({"runtime_type": "sglang"}, (), "it lists runtime sglang, not vllm"),
    "label": ({"labels": {**OWNER.label, "zone": "b"}}, (), "its label zone is not as declared"),
    "label missing": ({"labels": OWNER.label}, (), "its label zone is not as declared"),
    "owner": ({"labels": {"zone": "a"}}, (), "its label herder.dev/owner is not as declared"),
    "one of the models": ({}, ("x", "mock-model"), None),
    "an alias of a model": ({"models": (Model(id="m", aliases=("m-2026-01-01",)),)}, ("m-2026-01-01",), None),
    "model": ({}, ("x",), "it lists model mock-model, not x"),
    "model, an odd one": ({"model_id": "a\nb", "models": ()}, ("x",), "it lists model a b, not x"),
    "no model": ({"model_id": None, "models": ()}, ("x",), "it lists model none, not x"),
}


@pytest.mark.parametrize(("shown", "models", "expected"), ROWS.values(), ids=ROWS)
def test_the_first_difference_is_told(shown: dict[str, Any], models: tuple[str, ...], expected: str | None) -> None:
    assert difference(worker(**(SHOWN | shown)), DECLARED, models) == expected


def test_what_a_list_does_not_show_makes_no_difference() -> None:
    declared = plan(api_key="k3y", health={"timeoutSeconds": 3}, drain={"settleSeconds": 1})

    assert difference(worker(), declared) is None


PLAN = plan()
THEN = datetime(2026, 1, 1, tzinfo=UTC)
READY = Entry(EntryState.READY, ID, PLAN.spec_hash, THEN)
OLDER = replace(READY, spec_hash=plan(priority=3).spec_hash)
PENDING = replace(READY, state=EntryState.PENDING)
RANKS = tuple(
    worker(id=worker_id, url=f"{URL}@{rank}", dp_base_url=URL, dp_rank=rank, dp_size=2)
    for rank, worker_id in enumerate((ID, OTHER_ID))
)
NOT_LISTED = "it does not list the worker"

LOOKS: dict[str, tuple[Entry, tuple[Worker, ...], Look]] = {
    "as declared": (READY, (worker(),), Look(READY, has_it=True)),
    "sick": (READY, (worker(status="failed"),), Look(replace(READY, state=EntryState.FAILED), has_it=True)),
    "draining": (READY, (worker(status="draining"),), Look(replace(READY, state=EntryState.DRAINING), has_it=False)),
    "changed by hand": (
        READY,
        (worker(priority=3),),
        Look(READY, has_it=False, difference="it lists priority 3, not 50"),
    ),
    "declared anew": (
        OLDER,
        (worker(priority=3),),
        Look(OLDER, has_it=False, difference="it lists priority 3, not 50"),
    ),
    "declared anew, which no list shows": (
        OLDER,
        (worker(),),
        Look(OLDER, has_it=False, difference="what it was told last is not what is declared now"),
    ),
    "another entry than that of the record": (
        replace(READY, worker_id=OTHER_ID),
        (worker(),),
        Look(
            replace(READY, spec_hash=None),
            has_it=False,
            difference="what it was told last is not what is declared now",
        ),
    ),
    "put by hand, without the label of its owner": (
        READY,
        (worker(labels={}),),
        Look(READY, has_it=False, difference="its label herder.dev/owner is not as declared"),
    ),
    "nobody's, under another id": (
        replace(READY, worker_id=OTHER_ID),
        (worker(labels={}),),
        Look(
            replace(READY, state=EntryState.FOREIGN, spec_hash=None),
            has_it=False,
            difference="it lists the URL for somebody else",
        ),
    ),
    "somebody else's": (
        READY,
        (worker(labels=STRANGER.label),),
        Look(
            replace(READY, state=EntryState.FOREIGN, spec_hash=None),
            has_it=False,
            difference="it lists the URL for somebody else",
            owner=STRANGER,
        ),
    ),
    "nothing": (
        READY,
        (),
        Look(Entry(EntryState.ABSENT, verified_at=THEN), has_it=False, difference=NOT_LISTED),
    ),
    "nothing, and an add may be pending": (PENDING, (), Look(PENDING, has_it=False, difference=NOT_LISTED)),
    "never anything": (NO_ENTRY, (), Look(NO_ENTRY, has_it=False, difference=NOT_LISTED)),
    "all ranks, in any order": (READY, RANKS[::-1], Look(READY, has_it=True)),
    "one of two ranks": (
        READY,
        RANKS[:1],
        Look(READY, has_it=False, difference="it lists 1 of the worker's 2 data-parallel ranks"),
    ),
}


@pytest.mark.parametrize(("record", "listed", "expected"), LOOKS.values(), ids=LOOKS)
def test_what_a_list_makes_of_a_record(record: Entry, listed: tuple[Worker, ...], expected: Look) -> None:
    assert look(PLAN, record, listed) == expected


LATER = THEN.replace(hour=1)


@pytest.mark.parametrize(
    ("former", "now", "expected"),
    [
        (READY, READY, THEN),
        (READY, replace(READY, state=EntryState.FAILED), LATER),
        (replace(READY, verified_at=None), READY, LATER),
        (NO_ENTRY, NO_ENTRY, None),
    ],
    ids=["the same", "another state", "never seen before", "nothing, as ever"],
)
def test_the_time_of_an_entry_moves_only_when_its_state_does(
    former: Entry, now: Entry, expected: datetime | None
) -> None:
    assert now.since(former, LATER).verified_at == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(("a", "b-2026-01-01"), None), (("a", "c"), "it lists no model c"), ((), None)],
    ids=["all, one by its alias", "one is missing", "whatever it serves"],
)
def test_a_provider_is_listed_with_every_model_that_is_declared(
    declared: tuple[str, ...], expected: str | None
) -> None:
    provider = plan(runtime="External", api_key="k3y", models=declared)
    listed = worker(
        runtime_type="external", model_id="b", models=(Model(id="b", aliases=("b-2026-01-01",)), Model(id="a"))
    )

    assert difference(listed, provider, ("a", "b", "c")) == expected
