"""The finalizer: put on an object before anything is done for it, taken off when nothing is left to be undone.

Each write is for the version that was decided on. An object that is newer by then is read again, and looked at anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

from herder.api.meta import FINALIZER
from herder.controller.cluster.errors import Conflicted, NotFound
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Body, Objects, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.known.subject import Subject


@dataclass(frozen=True)
class Finalizer:
    """Writes herder's finalizer, and no other.

    `seen` is called with an object that a write found to be newer, `gone` with one that it found to be gone.
    """

    kube: Kube
    objects: Objects
    queue: WorkQueue
    seen: Callable[[Body], None]
    gone: Callable[[Body], None]

    async def put_on(self, subject: Subject) -> bool:
        """Return whether the object is held by herder now. Raises KubeError."""
        return await self._patch(subject, [*subject.finalizers, FINALIZER])

    async def take_off(self, subject: Subject) -> bool:
        """Return whether the object is held by herder no more. Raises KubeError."""
        return await self._patch(subject, [name for name in subject.finalizers if name != FINALIZER])

    async def _patch(self, subject: Subject, finalizers: list[str]) -> bool:
        version = subject.body["metadata"]["resourceVersion"]
        fence = {"uid": subject.uid, "resourceVersion": version, "finalizers": finalizers}
        try:
            self.objects.put(await self.kube.merge_patch(subject.key.path, {"metadata": fence}))
        except NotFound:
            self.gone(subject.body)
            return False
        except Conflicted:
            await self._refresh(subject)
            return False
        return True

    async def _refresh(self, subject: Subject) -> None:
        try:
            body = await self.kube.get(subject.key.path)
        except NotFound:
            body = None
        if body is not None and uid_of(body) == subject.uid:
            self.seen(body)
        else:
            self.gone(subject.body)
        self.queue.add(subject.key)
