"""ModelGateways: a resource and its Secrets become replicas to drive; what those answer becomes its status."""

from datetime import UTC, datetime
from functools import partial
from typing import Final

from herder.api.base import InvalidResource, parse
from herder.api.conditions import (
    ReadyReason,
    ReconcilingReason,
    StalledReason,
    Truth,
    merge,
    ready,
    reconciling,
    stalled,
)
from herder.api.gateway import (
    GatewayReplica,
    GatewayReplicaState,
    ModelGatewaySpec,
    ModelGatewayStatus,
)
from herder.controller import claims
from herder.controller.claims import Claims
from herder.controller.decide import Blocked
from herder.controller.gateways import Access, Gateway, Gateways
from herder.controller.objects import Body, Key, Objects, uid_of
from herder.controller.queue import WorkQueue
from herder.controller.registries import NEEDED_FOR, Registry, needed
from herder.controller.secrets import SecretMissing, Secrets
from herder.controller.views import UNHEARD, News
from herder.controller.wishes import Status
from herder.controller.writer import StatusWriter
from herder.net.tls import SYSTEM_TRUST, Trust

SECRET_RECHECK_S: Final = 30.0
"""How often a Secret in use is read again: a rotated key is used that soon."""
MISSING_RECHECK_S: Final = 5.0
"""How often something that is missing or refused is looked at again: of its arrival nobody tells."""
_SERVICE: Final = "spec.service is not followed yet: list the replicas' URLs in spec.endpoints instead"


class NotSupported(Exception):
    """A spec is valid, but asks for what this version can't do; the message says what to do in its place."""


class ModelGateways:
    """Reconciles ModelGateways and answers for what the resources that refer to one find there."""

    def __init__(
        self, *, objects: Objects, queue: WorkQueue, gateways: Gateways, secrets: Secrets, writer: StatusWriter
    ) -> None:
        self._objects = objects
        self._queue = queue
        self._gateways = gateways
        self._secrets = secrets
        self._writer = writer
        self._troubles: dict[Key, Blocked] = {}

    def get(self, key: Key) -> Gateway | None:
        """Return a gateway that can be driven, None if it can't (see `trouble`)."""
        return self._gateways.get(key)

    def is_gone(self, key: Key | None) -> bool:
        """Whether there is no such gateway, or it is going: nothing can wait for it any more."""
        body = self._objects.get(key) if key is not None else None
        return body is None or "deletionTimestamp" in body["metadata"]

    def trouble(self, key: Key | None) -> Blocked | None:
        """Return why a gateway can't be driven, None if it can."""
        if key is None or self._objects.get(key) is None:
            name = "" if key is None else f" {key.name}"
            text = (
                f"the ModelGateway{name} that spec.gatewayRef names does not exist here: create it or correct the name"
            )
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
        found = await self._look(key, body)
        if self._take(key, found) or self.is_gone(key):
            self._enqueue_all(key)
        self._writer.submit(key, uid_of(body), partial(self._status, key))

    async def _look(self, key: Key, body: Body) -> Access | Blocked:
        """Return how the gateway is reached, or why it can't be driven. Raises KubeError."""
        try:
            return await self._access(key, body)
        except (InvalidResource, NotSupported, SecretMissing) as error:
            self._queue.add_after(key, MISSING_RECHECK_S)
            return _trouble(error)

    def _take(self, key: Key, found: Access | Blocked) -> bool:
        """Note what was found, at once: between two awaits a gateway is never without both. Return if that is news."""
        before = self._troubles.pop(key, None)
        if isinstance(found, Access):
            return self._gateways.apply(key, found) or before is not None
        self._troubles[key] = found
        return self._gateways.drop(key) or found != before

    def needs(self, key: Key) -> frozenset[Registry]:
        """Return the registries of a gateway's replicas that are read beside the workers."""
        return needed(member.kind for member in self._objects.referring_to(key))

    def changed(self, key: Key, news: News) -> None:
        """Have everything reconciled that the news of a replica concern."""
        self._queue.add(key)
        for member in self._objects.referring_to(key):
            if self._concern(news, member):
                self._queue.add(member)

    def _concern(self, news: News, member: Key) -> bool:
        if news.items is None:
            return True
        registry = NEEDED_FOR.get(member.kind)
        keys = frozenset(item.key for item in news.items if item.registry is registry)
        return None in keys or self._objects.concerns(member, frozenset(key for key in keys if key is not None))

    def _forget(self, key: Key) -> None:
        self._troubles.pop(key, None)
        self._gateways.drop(key)
        self._enqueue_all(key)

    def _enqueue_all(self, key: Key) -> None:
        for member in self._objects.referring_to(key):
            self._queue.add(member)

    async def _access(self, key: Key, body: Body) -> Access:
        spec = parse(ModelGatewaySpec, body.get("spec") or {})
        if spec.endpoints is None:
            raise NotSupported(_SERVICE)
        api_key, trust = None, SYSTEM_TRUST
        if spec.auth is not None:
            field = "spec.auth.apiKeySecretRef"
            api_key = await self._secrets.get(key.namespace, spec.auth.api_key_secret_ref, field=field)
        if spec.tls is not None:
            pem = await self._secrets.get(key.namespace, spec.tls.ca_secret_ref, field="spec.tls.caSecretRef")
            trust = Trust(pem)
        if api_key is not None or spec.tls is not None:
            self._queue.add_after(key, MISSING_RECHECK_S if self._is_refused(key) else SECRET_RECHECK_S)
        return Access(spec.endpoints, spec.mode, float(spec.resync_seconds), api_key, trust)

    def _is_refused(self, key: Key) -> bool:
        gateway = self._gateways.get(key)
        views = gateway.views.values() if gateway is not None else ()
        return any(view.state is GatewayReplicaState.REFUSES for view in views)

    def _status(self, key: Key, body: Body) -> Status:
        base = _status_of(body)
        generation = int(body["metadata"]["generation"])
        trouble = self._troubles.get(key)
        gateway = self._gateways.get(key)
        if trouble is not None or gateway is None:
            said = claims.blocked(trouble.reason, trouble.message) if trouble else claims.registering("looking at it")
            rows: tuple[GatewayReplica, ...] = ()
        else:
            rows = _rows(gateway)
            said = _claims(rows, gateway)
        answering = sum(row.state is GatewayReplicaState.REACHABLE for row in rows)
        now = datetime.now(UTC)
        return base.model_copy(
            update={
                "observed_generation": generation,
                "conditions": merge(base.conditions, said, now, generation),
                "ready": f"{answering}/{len(rows)}",
                "replicas": rows,
            }
        ).dump()


def _trouble(error: InvalidResource | NotSupported | SecretMissing) -> Blocked:
    reason = ReadyReason.SECRET_NOT_FOUND if isinstance(error, SecretMissing) else ReadyReason.INVALID_SPEC
    return Blocked(reason, str(error))


def _status_of(body: Body) -> ModelGatewayStatus:
    try:
        return parse(ModelGatewayStatus, body.get("status") or {}, at="status")
    except InvalidResource:
        return ModelGatewayStatus()


def _rows(gateway: Gateway) -> tuple[GatewayReplica, ...]:
    return tuple(
        GatewayReplica(
            endpoint=replica.endpoint,
            state=view.state or GatewayReplicaState.UNREACHABLE,
            workers=view.count if view.state is GatewayReplicaState.REACHABLE else None,
        )
        for replica in gateway.replicas
        for view in [gateway.views.get(replica.endpoint, UNHEARD)]
    )


def _claims(rows: tuple[GatewayReplica, ...], gateway: Gateway) -> Claims:
    views = gateway.views
    if any(view.state is None for view in views.values()):
        return claims.registering("the replicas are being asked for the first time")
    refusing = [row.endpoint for row in rows if row.state is GatewayReplicaState.REFUSES]
    if refusing:
        text = f"{refusing[0]}: {views[refusing[0]].trouble}"
        return ready(Truth.FALSE, ReadyReason.GATEWAY_REFUSES, text), stalled(StalledReason.GATEWAY_REFUSES, text)
    silent = [row.endpoint for row in rows if row.state is GatewayReplicaState.UNREACHABLE]
    if silent:
        text = f"{len(rows) - len(silent)} of {len(rows)} replicas answer; {views[silent[0]].trouble}"
        return (
            ready(Truth.UNKNOWN, ReadyReason.GATEWAY_UNREACHABLE, text),
            reconciling(ReconcilingReason.PROGRESSING_WITH_RETRY, text),
        )
    return (ready(Truth.TRUE, ReadyReason.REACHABLE, f"all {len(rows)} replicas answer"),)
