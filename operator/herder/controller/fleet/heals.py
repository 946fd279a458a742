"""How long a replica that lost something, or came without it, lacks what is declared: the time to heal.

It counts from the beginning of the reading that found it to the end of the one that shows everything registered again
that was missing then, or until that is not to be any more; how long herder is busy with writing that down afterwards
does not count. What goes wrong by itself, such as a worker that is down, is no longer waited for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from herder.controller.known.objects import Key

log = structlog.get_logger(__name__)

_MILLISECONDS: Final = 3


@dataclass(slots=True)
class _Episode:
    since_s: float
    missing: set[Key] = field(default_factory=set)
    count: int = 0
    listed_at_s: dict[Key, float] = field(default_factory=dict)
    until_s: float = 0.0


class Heals:
    """The replicas that lack something. `healed` is called with a gateway and the seconds that it took."""

    def __init__(self, healed: Callable[[Key, float], None], clock: Callable[[], float]) -> None:
        self._healed = healed
        self._clock = clock
        self._episodes: dict[Key, dict[str, _Episode]] = {}

    def found(self, gateway: Key, endpoint: str, missing: Iterable[Key], since_s: float) -> None:
        """Note that a reading which began at `since_s` found that a replica lacks what these resources declare."""
        names = set(missing)
        if names:
            episode = self._episodes.setdefault(gateway, {}).setdefault(endpoint, _Episode(since_s))
            episode.count += len(names - episode.missing)
            episode.missing |= names
            for name in names:
                episode.listed_at_s.pop(name, None)

    def missing(self, gateway: Key, endpoint: str) -> frozenset[Key]:
        """Return what a replica lacked and is not known to have again."""
        episode = self._episodes.get(gateway, {}).get(endpoint)
        return frozenset(episode.missing) if episode is not None else frozenset()

    def listed(self, gateway: Key, endpoint: str, members: Iterable[Key], at_s: float) -> None:
        """Note that a reading which ended at `at_s` shows these: the first counts, however late it is judged."""
        episode = self._episodes.get(gateway, {}).get(endpoint)
        if episode is not None:
            for member in episode.missing.intersection(members):
                episode.listed_at_s.setdefault(member, at_s)

    def settled(
        self,
        gateway: Key,
        member: Key,
        endpoints: Iterable[str] | None,
    ) -> None:
        """Note where a resource is registered; None where it is not waited for (any more)."""
        where = None if endpoints is None else frozenset(endpoints)
        for endpoint, episode in tuple(self._episodes.get(gateway, {}).items()):
            if member in episode.missing and (where is None or endpoint in where):
                episode.until_s = max(episode.until_s, episode.listed_at_s.get(member, self._clock()))
                episode.missing.discard(member)
                if not episode.missing:
                    self._end(gateway, endpoint, episode)

    def drop(self, gateway: Key, but: Iterable[str] = ()) -> None:
        """Forget the replicas of a gateway, but for some."""
        kept = {e: episode for e, episode in self._episodes.pop(gateway, {}).items() if e in frozenset(but)}
        if kept:
            self._episodes[gateway] = kept

    def unhealed_s(self) -> Mapping[Key, float]:
        """Return for how long something has been missing, by gateway, of its replicas the longest."""
        now_s = self._clock()
        since_s = {key: min(each.since_s for each in known.values()) for key, known in self._episodes.items() if known}
        return {key: now_s - began_s for key, began_s in since_s.items()}

    def _end(self, gateway: Key, endpoint: str, episode: _Episode) -> None:
        del self._episodes[gateway][endpoint]
        took_s = episode.until_s - episode.since_s
        shown_s = round(took_s, _MILLISECONDS)
        log.info("replica.healed", gateway=str(gateway), endpoint=endpoint, entries=episode.count, took_s=shown_s)
        self._healed(gateway, took_s)
