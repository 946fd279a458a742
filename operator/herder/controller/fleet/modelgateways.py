"""ModelGateways: a resource and its Secrets become replicas to drive; what those answer becomes its status."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from herder.api.base import InvalidResource, parse
from herder.api.conditions import ReadyReason
from herder.api.gateway import GatewayReplicaState, Mode, ModelGatewaySpec
from herder.controller.clock import SYSTEM_CLOCK, Clock
from herder.controller.cluster.secrets import SecretMissing
from herder.controller.fleet import gatewaystatus, lookup
from herder.controller.fleet.gateways import Access, Gateway, Gateways
from herder.controller.fleet.gatewaystatus import is_news, status_of
from herder.controller.fleet.lookup import Lookup
from herder.controller.fleet.members import Members
from herder.controller.fleet.seen import Seen
from herder.controller.fleet.services import Place as ServicePlace
from herder.controller.fleet.services import ServiceMissing
from herder.controller.fleet.sharing import Sharing
from herder.controller.known.blocked import Blocked
from herder.controller.known.objects import Body, Key, Objects, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.status.wishes import Haste, Status
from herder.controller.status.writer import StatusWriter

SECRET_RECHECK_S: Final = 30.0
"""How often at least what a gateway refers to is read again, however long its resync is."""
MISSING_RECHECK_S: Final = 5.0
"""How often something that is missing or refused is looked at again: of its arrival nobody tells."""
_FIRST_WORDS_S: Final = 1.0
"""How long the first words of new replicas are waited for before a status is written without them."""


class ModelGateways:
    """Reconciles ModelGateways and answers for what the resources that refer to one find there."""

    def __init__(
        self,
        *,
        objects: Objects,
        queue: WorkQueue,
        gateways: Gateways,
        lookup: Lookup,
        sharing: Sharing,
        writer: StatusWriter,
        members: Members,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._objects = objects
        self._queue = queue
        self._gateways = gateways
        self._lookup = lookup
        self._sharing = sharing
        self._writer = writer
        self._members = members
        self._clock = clock
        self._troubles: dict[Key, Blocked] = {}
        self._met: set[Key] = set()
        """The gateways that were looked at, whatever came of it: what they name is known as far as it can be."""

    def get(self, key: Key) -> Gateway | None:
        """Return a gateway that can be driven, None if it can't (see `trouble`)."""
        return self._gateways.get(key)

    def is_gone(self, key: Key | None) -> bool:
        """Whether there is no such gateway, or it is going: nothing can wait for it any more."""
        body = self._objects.get(key) if key is not None else None
        return body is None or "deletionTimestamp" in body["metadata"]

    def is_taken(self, key: Key | None) -> bool:
        """Whether all of a gateway's replicas are driven for older ones: for it nothing is changed on any."""
        known = self._troubles.get(key) if key is not None else None
        return known is not None and known.reason is ReadyReason.CONFLICT

    def trouble(self, key: Key | None) -> Blocked | None:
        """Return why a gateway can't be driven, None if it can."""
        if key is None or self._objects.get(key) is None:
            name, where = ("", "here") if key is None else (f" {key.name}", f"in namespace {key.namespace}")
            what = f"the ModelGateway{name} that spec.gatewayRef names does not exist {where}"
            text = f"{what}: create it, or correct spec.gatewayRef.name"
            return Blocked(ReadyReason.GATEWAY_NOT_FOUND, text)
        known = self._troubles.get(key)
        if known is None:
            return None
        return Blocked(known.reason, f"ModelGateway {key.name}: {known.message}")

    async def reconcile(self, key: Key) -> None:
        """Bring what is driven to what the resource says, and its status to what is seen."""
        body = self._objects.get(key)
        if body is None:
            self._queue.forget(key)
            self._forget(key)
            return
        try:
            found = await self._look(key, body)
        finally:
            self._met.add(key)
        if self._objects.get(key) is None:
            return  # gone meanwhile, and forgotten
        if self._is_early(key):
            self._queue.add_after(key, _FIRST_WORDS_S)
            return
        is_other = self._take(key, self._own(key, found))
        if is_other or self.is_gone(key):
            self._queue_all(self._objects.referring_to(key))
        seen = self._seen(key)
        if is_other and seen.is_unheard:
            self._queue.add_after(key, _FIRST_WORDS_S)
            return  # what the replicas say is worth more, and comes at once
        haste = Haste.URGENT if is_news(status_of(body), seen) else Haste.NEWS
        self._writer.submit(key, uid_of(body), partial(self._status, key), haste)

    async def _look(self, key: Key, body: Body) -> Access | Blocked:
        """Return how the gateway is reached, or why it can't be driven. Raises KubeError."""
        try:
            spec = parse(ModelGatewaySpec, body.get("spec") or {})
            endpoints = await self._lookup.endpoints(key, spec)
            self._share(key, endpoints, spec.mode)
            access = await self._lookup.access(key, spec, endpoints)
        except SecretMissing as error:
            return self._waits(key, lookup.trouble(error))
        except ServiceMissing as error:
            self._queue_all(self._sharing.forget(key))
            return self._waits(key, lookup.trouble(error))
        except InvalidResource as error:
            self._queue_all(self._sharing.forget(key))
            return self._waits(key, Blocked(ReadyReason.INVALID_SPEC, str(error)))
        recheck_s = min(access.resync_s, MISSING_RECHECK_S if self._is_refused(key) else SECRET_RECHECK_S)
        self._queue.add_after(key, recheck_s)
        return access

    def _is_early(self, key: Key) -> bool:
        """Whether a gateway is new here and others of its namespace may have a claim that nobody has looked at yet."""
        is_known = self._gateways.get(key) is not None or key in self._troubles
        others = (other for other in self._objects if (other.kind, other.namespace) == (key.kind, key.namespace))
        return not is_known and not self._met.issuperset(others)

    def _waits(self, key: Key, trouble: Blocked) -> Blocked:
        self._queue.add_after(key, MISSING_RECHECK_S)
        return trouble

    def _share(self, key: Key, endpoints: Iterable[str], mode: Mode) -> None:
        """Say which replicas the gateway names; those are looked at who name one of them, too."""
        body = self._objects.get(key)
        if body is not None:  # one that is going stays what it is to the others until it is gone
            self._queue_all(self._sharing.note(body, endpoints, drives=mode is Mode.ENFORCE))

    def _own(self, key: Key, found: Access | Blocked) -> Access | Blocked:
        """Leave out the replicas that an older gateway drives; where none is left nothing can be done."""
        taken = self._sharing.taken(key)
        if isinstance(found, Blocked) or not taken:
            return found
        rest = tuple(endpoint for endpoint in found.endpoints if endpoint not in taken)
        return replace(found, endpoints=rest) if rest else Blocked(ReadyReason.CONFLICT, gatewaystatus.shared(taken))

    def _take(self, key: Key, found: Access | Blocked) -> bool:
        """Note what was found, at once: between two awaits a gateway is never without both. Return if that is news."""
        before = self._troubles.pop(key, None)
        if isinstance(found, Access):
            self._members.keep(key, found.endpoints)
            return self._gateways.apply(key, found) or before is not None
        self._troubles[key] = found
        return self._drop(key) or found != before

    def _drop(self, key: Key) -> bool:
        self._members.drop(key)
        return self._gateways.drop(key)

    def service_changed(self, place: ServicePlace) -> None:
        """Have the gateways looked at whose replicas are behind a Service."""
        self._queue_all(self._lookup.following(place))

    def _forget(self, key: Key) -> None:
        self._met.discard(key)
        self._lookup.forget(key)
        self._troubles.pop(key, None)
        self._drop(key)
        self._queue_all(self._sharing.forget(key))
        self._queue_all(self._objects.referring_to(key))

    def _queue_all(self, keys: Iterable[Key]) -> None:
        for each in keys:
            self._queue.add(each)

    def _is_refused(self, key: Key) -> bool:
        gateway = self._gateways.get(key)
        views = gateway.views.values() if gateway is not None else ()
        return any(view.state is GatewayReplicaState.REFUSES for view in views)

    def _status(self, key: Key, body: Body) -> Status:
        generation = int(body["metadata"]["generation"])
        return gatewaystatus.status(status_of(body), self._seen(key), generation, self._clock.now()).dump()

    def _seen(self, key: Key) -> Seen:
        gateway = self._gateways.get(key)
        counts = self._members.count(key, gateway) if gateway is not None else None
        unreadable = self._members.unreadable(key, gateway) if gateway is not None else {}
        return Seen(gateway, self._troubles.get(key), counts, self._sharing.taken(key), unreadable)
