"""What the replicas' lists say of one worker, beside what herder itself did there: pure, without I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from herder.api.status import EntryState
from herder.controller.views import UNHEARD, View
from herder.gateway.types import Worker
from herder.workflows.compare import difference, is_as_sent
from herder.workflows.entry import NO_ENTRY, REGISTERED, Entry, state_of
from herder.workflows.plan import Plan

_MAY_BE_PENDING: Final = frozenset({EntryState.PENDING, EntryState.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Observation:
    """One worker on all replicas of its gateway; `entries` and `lacking` by endpoint."""

    entries: Mapping[str, Entry]
    lacking: frozenset[str]
    """The replicas that do not have the worker as declared, as far as is known."""
    away: frozenset[str]
    """The replicas that can't be driven now."""
    unread: frozenset[str] = frozenset()
    """The replicas that were not read since a run last drove them: what is said of those is from the records."""

    @property
    def is_satisfied(self) -> bool:
        """Whether every replica has the worker as declared."""
        return not self.lacking

    @property
    def is_actionable(self) -> bool:
        """Whether a replica that lacks the worker can be given it now."""
        return bool(self.lacking - self.away)

    @property
    def has_foreign(self) -> bool:
        """Whether a replica lists the URL for somebody else."""
        return any(entry.state is EntryState.FOREIGN for entry in self.entries.values())

    @property
    def registered(self) -> str:
        """Return on how many replicas it is registered as declared, such as 2/2."""
        return f"{len(self.entries) - len(self.lacking | self.away)}/{len(self.entries)}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What to compare: views that began before `not_before_s` are older than what a run itself saw and say nothing.

    `left_out` are the replicas that gave a run no answer only a moment ago, whatever they list.
    """

    views: Mapping[str, View]
    not_before_s: float
    now: datetime
    left_out: frozenset[str] = frozenset()

    def is_older(self, view: View) -> bool:
        """Whether a view tells of a time before the last run, or of none at all."""
        return view.state is None or view.began_at_s <= self.not_before_s

    def is_away(self, endpoint: str, record: Entry) -> bool:
        """Whether a replica can't be driven now: no list of it can be had, or a run just got no answer from it."""
        view = self.view(endpoint)
        is_silent = record.state is EntryState.UNREACHABLE and (self.is_older(view) or endpoint in self.left_out)
        return view.is_away or is_silent

    def view(self, endpoint: str) -> View:
        """Return what a replica said last."""
        return self.views.get(endpoint, UNHEARD)


def observe(plan: Plan, records: Mapping[str, Entry], endpoints: Iterable[str], reading: Reading) -> Observation:
    """Compare what is declared with what each replica lists."""
    entries: dict[str, Entry] = {}
    lacking, away, unread = set(), set(), set()
    for endpoint in endpoints:
        record, view = records.get(endpoint, NO_ENTRY), reading.view(endpoint)
        is_away = reading.is_away(endpoint, record)
        look = _unseen(plan, record, reading.now) if is_away else _compare(plan, record, view, reading)
        entries[endpoint], has_it = look
        if not has_it:
            lacking.add(endpoint)
        if is_away:
            away.add(endpoint)
        if not view.is_away and reading.is_older(view):
            unread.add(endpoint)
    return Observation(entries, frozenset(lacking), frozenset(away), frozenset(unread))


def _unseen(plan: Plan, record: Entry, now: datetime) -> tuple[Entry, bool]:
    """It may have it still: what can't be seen is not torn down, and compared when it is back."""
    has_it = record.spec_hash == plan.spec_hash and record.worker_id is not None
    return record.seen(EntryState.UNREACHABLE, now), has_it


def _compare(plan: Plan, record: Entry, view: View, reading: Reading) -> tuple[Entry, bool]:
    """Return the entry as it is now, and whether the replica has the worker as declared."""
    if reading.is_older(view):
        return record, record.spec_hash == plan.spec_hash and record.state in REGISTERED
    listed = view.workers.get(plan.url, ())
    if not listed:
        return _unlisted(record, reading.now), False
    return _compare_listed(plan, record, listed, reading.now)


def _unlisted(record: Entry, now: datetime) -> Entry:
    """Of what is in no list a registration may still be pending: then its record is kept, for the removal needs it."""
    if record.state in _MAY_BE_PENDING:
        return record.seen(EntryState.PENDING, now)
    return record if record == NO_ENTRY else record.gone(now)  # where nothing ever was, its absence is no news


def _compare_listed(plan: Plan, record: Entry, listed: tuple[Worker, ...], now: datetime) -> tuple[Entry, bool]:
    worker = listed[0]
    if not all(plan.owner.claims(entry.labels) for entry in listed):
        return replace(record, worker_id=worker.id, spec_hash=None).seen(EntryState.FOREIGN, now), False
    if not is_as_sent(plan, record, worker):
        return replace(record, worker_id=worker.id, spec_hash=None).seen(state_of(worker), now), False
    entry = replace(record, worker_id=worker.id).seen(state_of(worker), now)
    return entry, entry.state in REGISTERED and not any(difference(each, plan) for each in listed)
