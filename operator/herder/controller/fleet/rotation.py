"""Which resources work with which Secret, and that they are looked at again when its content has changed.

A Secret is neither listed nor watched: each one in use is read by name, once per resync for all that use it. Only a
digest of what was read is kept.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

from herder.api.fields import SecretKeyRef
from herder.controller.cluster.errors import KubeError
from herder.controller.cluster.secrets import FRESH_S, Secrets
from herder.controller.known.objects import Key
from herder.controller.rounds import every

log = structlog.get_logger(__name__)

_ROUND_S: Final = 1.0
_MOST_A_ROUND: Final = 50
"""How many Secrets are read in a round at most: with more than that many in use for each second of a resync, a change
is noticed later than within one."""

type Place = tuple[str, str]
"""A Secret: its namespace and its name."""


@dataclass(slots=True)
class _Watched:
    digest: str | None
    checked_at_s: float
    users: dict[Key, float] = field(default_factory=dict)
    """Those who work with it, and how often each wants it to be looked at, in seconds."""

    @property
    def due_at_s(self) -> float:
        return self.checked_at_s + min(self.users.values())


class Rotation:
    """Lends Secrets to resources. `changed` is called with one that has read what has changed since."""

    def __init__(self, secrets: Secrets, changed: Callable[[Key], None], clock: Callable[[], float]) -> None:
        self._secrets = secrets
        self._changed = changed
        self._clock = clock
        self._watched: dict[Place, _Watched] = {}
        self._places: dict[Key, set[Place]] = {}

    def vault(self, user: Key, every_s: float) -> "UserVault":
        """Return what a resource is to read all its Secrets by; what it has read another time is forgotten."""
        self.forget(user)
        return UserVault(self, self._secrets, user, every_s)

    def forget(self, user: Key) -> None:
        """A resource is gone, or reads anew."""
        for place in self._places.pop(user, ()):
            watched = self._watched[place]
            watched.users.pop(user, None)
            if not watched.users:
                del self._watched[place]

    def note(self, user: Key, place: Place, every_s: float, digest: str | None) -> None:
        """A resource has just read a Secret. Those who have read something else before are told."""
        now_s = self._clock()
        watched = self._watched.setdefault(place, _Watched(digest, now_s))
        self._saw(watched, digest)
        watched.users[user] = every_s
        self._places.setdefault(user, set()).add(place)

    async def run(self) -> None:
        """Look for changes, until cancelled."""
        await every(_ROUND_S, self.check)

    async def check(self) -> None:
        """Read the Secrets whose time has come."""
        now_s = self._clock()
        due = sorted((w.due_at_s, place) for place, w in self._watched.items() if w.due_at_s <= now_s)
        async with asyncio.TaskGroup() as group:
            for _, place in due[:_MOST_A_ROUND]:
                group.create_task(self._check(place))

    async def _check(self, place: Place) -> None:
        try:
            digest = await self._secrets.digest(*place, fresh_s=0.0)
        except KubeError as error:
            log.debug("secret.unread", namespace=place[0], name=place[1], error=str(error))
            return
        watched = self._watched.get(place)
        if watched is not None:
            self._saw(watched, digest)

    def _saw(self, watched: _Watched, digest: str | None) -> None:
        watched.checked_at_s = self._clock()
        if watched.digest != digest:
            watched.digest = digest
            for user in tuple(watched.users):
                self._changed(user)


class UserVault:
    """Reads Secrets for one resource, which is told when what it has read has changed. Raises as Secrets does."""

    def __init__(self, rotation: Rotation, secrets: Secrets, user: Key, every_s: float) -> None:
        self._rotation = rotation
        self._secrets = secrets
        self._user = user
        self._every_s = every_s

    async def get(self, namespace: str, ref: SecretKeyRef, *, field: str, to: Iterable[str]) -> str:
        """Return what `ref`, found in the field named `field`, points to, to be sent to the hosts `to`."""
        await self._note(namespace, ref.name)
        return await self._secrets.get(namespace, ref, field=field, to=to)

    async def get_all(self, namespace: str, name: str, *, field: str, to: Iterable[str]) -> dict[str, str]:
        """Return the texts of all keys of the Secret that the field named `field` names, to be sent to the hosts."""
        await self._note(namespace, name)
        return await self._secrets.get_all(namespace, name, field=field, to=to)

    async def _note(self, namespace: str, name: str) -> None:
        """What is read right after this is the very content that the digest is of, or a newer one."""
        fresh_s = min(FRESH_S, self._every_s / 2)
        digest = await self._secrets.digest(namespace, name, fresh_s=fresh_s)
        self._rotation.note(self._user, (namespace, name), self._every_s, digest)
