"""What an operator that waits has: everything that there is, kept up to date, and nothing that acts.

It does not read the gateways' replicas: the lists of a large fleet are megabytes, and one reading tells all.
"""

from typing import Final, Protocol

from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Body, Key, Objects, uid_of
from herder.controller.leadership.mandate import uptime_s
from herder.controller.watch.relist import Relister


class Heir(Protocol):
    """Whoever acts on what is known."""

    def seen(self, body: Body) -> None:
        """Take a version of an object."""
        ...

    def gone(self, body: Body) -> None:
        """Take the news that an object is gone."""
        ...


class Standby:
    """Takes every version of every object, for the one that acts if there is one. `kube` is only read from."""

    def __init__(self, kube: Kube, namespaces: tuple[str, ...]) -> None:
        self.objects: Final = Objects()
        self.heir: Heir | None = None
        self.primed_at_s = float("-inf")
        """Since when, by the uptime, everything is known."""
        self._relister = Relister(kube, self.objects, namespaces, seen=self.seen, gone=self.gone)

    async def prime(self) -> None:
        """Read everything. Raises KubeError, NotFound where a CRD is not installed."""
        began_s = uptime_s()
        await self._relister.prime()
        self.primed_at_s = began_s

    async def wait(self) -> None:
        """Look for what the watch loses, until cancelled."""
        await self._relister.run()

    def seen(self, body: Body) -> None:
        """Take a version of an object."""
        if self.heir is not None:
            self.heir.seen(body)
        else:
            self.objects.put(body)

    def gone(self, body: Body) -> None:
        """Take the news that an object is gone."""
        if self.heir is not None:
            self.heir.gone(body)
        else:
            self.objects.remove(Key.of(body), uid_of(body))
