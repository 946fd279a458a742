"""What the replicas' lists say of one resource, beside what herder itself did there: pure, without I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from herder.api.status import EntryState
from herder.controller.families.declared import Declared
from herder.controller.listing.observation import Observation
from herder.controller.listing.registries import Registry
from herder.controller.listing.views import UNHEARD, View
from herder.workflows.entry import NO_ENTRY, REGISTERED, Entry
from herder.workflows.look import Look
from herder.workflows.owner import Holder, nobody

_GONE: Final = "it lists no such entry"


@dataclass(frozen=True, slots=True)
class Reading:
    """What to compare: views that began before `not_before_s` are older than what a run itself saw and say nothing.

    `left_out` are the replicas that gave a run no answer only a moment ago, whatever they list; `holder_of` names the
    other living resource that has an entry.
    """

    views: Mapping[str, View]
    not_before_s: float
    now: datetime
    left_out: frozenset[str] = frozenset()
    registry: Registry = Registry.WORKERS
    holder_of: Holder = nobody

    def is_older(self, view: View) -> bool:
        """Whether a view tells of a time before the last run, or of none at all."""
        return view.state is None or view.read_at_s(self.registry) <= self.not_before_s

    def is_away(self, endpoint: str, record: Entry) -> bool:
        """Whether a replica can't be driven now: no list of it can be had, or a run just got no answer from it."""
        view = self.view(endpoint)
        is_silent = record.state is EntryState.UNREACHABLE and (self.is_older(view) or endpoint in self.left_out)
        return view.is_away or is_silent or bool(self.trouble(endpoint))

    def trouble(self, endpoint: str) -> str:
        """Return why it is not known what a replica that answers lists; empty where it is."""
        view = self.view(endpoint)
        return "" if view.is_away else view.trouble_with(self.registry)

    def is_contested(self, look: Look) -> bool:
        """Whether an entry is another living resource's."""
        entry = look.entry
        is_foreign = entry.state is EntryState.FOREIGN and entry.worker_id is not None
        return is_foreign and self.holder_of(look.owner, entry.worker_id or "") is not None

    def view(self, endpoint: str) -> View:
        """Return what a replica said last."""
        return self.views.get(endpoint, UNHEARD)


def observe(
    declared: Declared, records: Mapping[str, Entry], endpoints: Iterable[str], reading: Reading
) -> Observation:
    """Compare what is declared with what each replica lists."""
    seen = declared.seen()
    if seen is not None:
        return seen
    entries: dict[str, Entry] = {}
    differences: dict[str, str] = {}
    drift: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    lacking, away, unread, contested = set(), set(), set(), set()
    for endpoint in endpoints:
        record, view = records.get(endpoint, NO_ENTRY), reading.view(endpoint)
        is_away = reading.is_away(endpoint, record)
        is_read = not is_away and not reading.is_older(view)
        look = declared.look(record, view) if is_read else _unseen(declared, record, is_away=is_away)
        entries[endpoint] = look.entry.since(record, reading.now) if is_read or is_away else record
        if not look.has_it:
            lacking.add(endpoint)
        if look.difference is not None and look.entry.worker_id is not None:
            differences[endpoint] = look.difference
        if is_read and not look.has_it and _had_it(declared, record):
            drift[endpoint] = look.difference or _GONE
        if reading.is_contested(look) if is_read else record.state is EntryState.FOREIGN:
            contested.add(endpoint)
        if is_away:
            away.add(endpoint)
        if trouble := reading.trouble(endpoint):
            unreadable[endpoint] = trouble
        elif not is_read and not view.is_away:
            unread.add(endpoint)
    return Observation(
        entries,
        frozenset(lacking),
        frozenset(away),
        frozenset(unread),
        frozenset(contested),
        differences,
        drift,
        unreadable,
    )


def _unseen(declared: Declared, record: Entry, *, is_away: bool) -> Look:
    """What can't be seen is as it was noted: it is not torn down, and compared when it can."""
    is_as_declared = record.spec_hash == declared.spec_hash
    if is_away:
        entry = replace(record, state=EntryState.UNREACHABLE)
        return Look(entry, has_it=is_as_declared and record.worker_id is not None)
    return Look(record, has_it=is_as_declared and record.state in REGISTERED)


def _had_it(declared: Declared, record: Entry) -> bool:
    """Whether the replica was noted to have it as it is declared now."""
    was_registered = record.state in REGISTERED or (record.state is EntryState.UNREACHABLE and bool(record.worker_id))
    return was_registered and record.spec_hash == declared.spec_hash


def as_recorded(observation: Observation, records: Mapping[str, Entry]) -> Observation:
    """Return what was seen by a declaration that lacks its Secrets: what was sent is taken for what is declared.

    The hashes of what was sent stay in the records, to be compared when the Secrets can be read again.
    """
    entries: dict[str, Entry] = {}
    lacking: set[str] = set()
    for endpoint, entry in observation.entries.items():
        record = records.get(endpoint, NO_ENTRY)
        is_same = entry.worker_id is not None and entry.worker_id == record.worker_id
        entries[endpoint] = replace(entry, spec_hash=record.spec_hash) if is_same else entry
        is_there = is_same and record.spec_hash is not None
        if not is_there or (entry.state not in REGISTERED and endpoint not in observation.away):
            lacking.add(endpoint)
    return replace(observation, entries=entries, lacking=frozenset(lacking), differences={}, drift={})
