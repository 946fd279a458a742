"""Watching: kopf told to go on for ever, and a health check that knows whether it does."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import kopf
import pytest
from kopf._cogs.structs import references
from kubernetes_asyncio.client import Configuration

from herder.controller.clock import Clock
from herder.controller.known.objects import KINDS
from herder.controller.watch.handlers import (
    DeafError,
    EndlessPauses,
    _connection,
    _plain,
    check_watchers,
    watched_settings,
)

PLURALS = sorted(kind.plural for kind in KINDS.values())
NAMES = [f"watcher for {plural}.v1alpha1.herder.dev@*" for plural in PLURALS]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_pauses_have_no_end_grow_and_stay_short() -> None:
    pauses = list(islice(EndlessPauses(), 10_000))

    assert all(0.4 <= pause_s <= 9.6 for pause_s in pauses)
    assert max(pauses[:2]) < min(pauses[4:])
    assert len(set(pauses)) > 9_000


def test_each_trouble_begins_with_short_pauses() -> None:
    pauses = EndlessPauses()

    assert next(iter(pauses)) < 1
    assert next(iter(pauses)) < 1


def test_kopf_only_watches() -> None:
    settings = watched_settings()

    assert not settings.posting.enabled
    assert settings.peering.standalone
    assert settings.scanning.disabled
    assert isinstance(settings.networking.error_backoffs, EndlessPauses)
    assert settings.networking.request_timeout is not None
    assert settings.watching.server_timeout is not None


async def forever() -> None:
    await asyncio.Event().wait()


LIVING: dict[str, tuple[list[str], str]] = {
    "none": ([], ", ".join(PLURALS)),
    "all but one": (NAMES[1:], PLURALS[0]),
    "another kind's": ([*NAMES[1:], "watcher for pods.v1@*"], PLURALS[0]),
}


@pytest.mark.parametrize(("names", "missing"), LIVING.values(), ids=LIVING)
async def test_a_kind_that_nobody_watches_turns_the_health_check_red(names: list[str], missing: str) -> None:
    tasks = [asyncio.create_task(forever(), name=name) for name in names]

    with pytest.raises(DeafError, match=f"nobody watches {missing}$"):
        check_watchers()

    for task in tasks:
        task.cancel()


async def test_a_watcher_that_dies_is_missed() -> None:
    tasks = [asyncio.create_task(forever(), name=name) for name in NAMES]
    living = check_watchers()

    tasks[1].cancel()
    await asyncio.wait({tasks[1]})

    assert living == len(NAMES)
    with pytest.raises(DeafError, match=f"nobody watches {PLURALS[1]}$"):
        check_watchers()
    for task in tasks:
        task.cancel()


def test_the_names_that_the_health_check_looks_for_are_kopfs_own() -> None:
    for kind in KINDS.values():
        resource = references.Resource("herder.dev", "v1alpha1", kind.plural)

        assert any(f"{resource}@" in name for name in NAMES)


def test_an_object_is_taken_out_of_kopfs_hands() -> None:
    raw: Any = {"kind": "ModelGateway", "metadata": {"name": "gw", "managedFields": []}, "spec": {}}

    plain = _plain(kopf.Body(raw))
    plain["metadata"].pop("managedFields")

    assert type(plain["metadata"]) is dict
    assert "managedFields" in raw["metadata"]


@pytest.mark.parametrize("is_renewed", [True, False], ids=["a ServiceAccount's token", "a fixed token"])
async def test_credentials_that_are_renewed_are_asked_for_again(is_renewed: bool) -> None:
    configuration = Configuration(host="https://api/")
    configuration.api_key["BearerToken"] = "Bearer canary"
    if is_renewed:
        configuration.refresh_api_key_hook = lambda _configuration: None

    connection = await _connection(configuration, Clock(now=lambda: NOON))

    assert (connection.server, connection.scheme, connection.token) == ("https://api", "Bearer", "canary")
    assert connection.expiration == (NOON + timedelta(minutes=5) if is_renewed else None)
