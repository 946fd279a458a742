"""How long a replica that lost something, or came without it, lacks what is declared: the time to heal.

It counts from the beginning of the reading that found it, until every resource that was missing then is registered
again, or is not to be any more. What goes wrong by itself, such as a worker that is down, is no longer waited for.
"""

from collections.abc import Callable, Iterable
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

    def settled(self, gateway: Key, member: Key, endpoints: Iterable[str] | None) -> None:
        """Note where a resource is registered; None where it is not waited for (any more)."""
        where = None if endpoints is None else frozenset(endpoints)
        for endpoint, episode in tuple(self._episodes.get(gateway, {}).items()):
            if member in episode.missing and (where is None or endpoint in where):
                episode.missing.discard(member)
                if not episode.missing:
                    self._end(gateway, endpoint, episode)

    def drop(self, gateway: Key, but: Iterable[str] = ()) -> None:
        """Forget the replicas of a gateway, but for some."""
        kept = {e: episode for e, episode in self._episodes.pop(gateway, {}).items() if e in frozenset(but)}
        if kept:
            self._episodes[gateway] = kept

    def _end(self, gateway: Key, endpoint: str, episode: _Episode) -> None:
        del self._episodes[gateway][endpoint]
        took_s = self._clock() - episode.since_s
        shown_s = round(took_s, _MILLISECONDS)
        log.info("replica.healed", gateway=str(gateway), endpoint=endpoint, entries=episode.count, took_s=shown_s)
        self._healed(gateway, took_s)
