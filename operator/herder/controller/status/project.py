"""From what is known beside the runs to what `.status` says: pure, so that writing it again changes nothing.

Each function takes the status as it is on the API server and returns the one that should be there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from herder.api.base import ApiModel
from herder.api.conditions import merge
from herder.api.status import (
    Draining,
    EntryState,
    LastHandled,
    ReplicaEntry,
    WorkflowStatus,
)
from herder.controller.listing.observation import Observation
from herder.controller.status.claims import Claims
from herder.workflows.entry import REGISTERED, Entry

type Status = WorkflowStatus


@dataclass(frozen=True, slots=True)
class Moment:
    """When, and for which generation of the spec, something is said."""

    now: datetime
    generation: int


def with_observation(
    base: Status,
    observation: Observation,
    claims: Claims | None,
    at: Moment,
    *,
    as_before: frozenset[str] = frozenset(),
) -> Status:
    """No run is in progress: what the replicas list is shown. Without claims the conditions stay as they are.

    `as_before` are the replicas that have it under a former key.
    """
    status = base if claims is None else with_claims(base, claims, at)
    shown = rows(observation.entries, observation.entries) if observation.said is None else ()
    tally = observation.registered_or(as_before)
    return status.model_copy(update={"registered": tally, "replicas": shown, **observation.shown})


def abandoned(base: Status, shown_in: str, no_former: Mapping[str, tuple[ApiModel, ...] | None]) -> Status:
    """What is registered elsewhere is left to itself: nothing is known of this resource on any replica."""
    place = {"gateway": None, "drain": None, "replicas": (), "registered": None, shown_in: None}
    return base.model_copy(update={**place, **no_former})


def without_former(base: Status, no_former: Mapping[str, tuple[ApiModel, ...] | None]) -> Status:
    """What it may still have under former keys is left to itself."""
    return base.model_copy(update={"drain": None, **no_former})


def with_drain(base: Status, drain: Draining | None) -> Status:
    """Since when, and until when, it is being taken off."""
    return base.model_copy(update={"drain": drain})


def with_claims(base: Status, claims: Claims, at: Moment) -> Status:
    """Nothing but the conditions has changed."""
    conditions = merge(base.conditions, claims, at.now, at.generation)
    return base.model_copy(update={"observed_generation": at.generation, "conditions": conditions})


def with_tokens(base: Status, *, retry: str | None, cancel: str | None) -> Status:
    """The one-off actions with these tokens are being done."""
    before = base.last_handled or LastHandled()
    after = LastHandled(retry=retry or before.retry, cancel=cancel or before.cancel)
    return base if after == LastHandled() else base.model_copy(update={"last_handled": after})


def rows(entries: Mapping[str, Entry], endpoints: Iterable[str]) -> tuple[ReplicaEntry, ...]:
    """Return what each replica says, in the order of the gateway's endpoints."""
    return tuple(
        ReplicaEntry(
            endpoint=endpoint,
            worker_id=entries[endpoint].worker_id,
            state=entries[endpoint].state,
            spec_hash=entries[endpoint].spec_hash,
            verified_at=entries[endpoint].verified_at,
        )
        for endpoint in endpoints
        if endpoint in entries
    )


def unseen(base: Status) -> Status:
    """There is no gateway to ask: what is registered is not known any more. Registrations under way stay noted."""
    shown = tuple(
        row.model_copy(update={"state": EntryState.UNKNOWN}) if row.state in _SEEN else row for row in base.replicas
    )
    if not shown:
        return base
    return base.model_copy(update={"replicas": shown, "registered": f"0/{len(shown)}"})


_SEEN: Final = REGISTERED | {EntryState.DRAINING}
