"""ModelGateways: a resource and its Secrets become replicas to drive; what those answer becomes its status."""

from functools import partial
from typing import Final

from herder.api.base import InvalidResource, parse
from herder.api.conditions import ReadyReason
from herder.api.gateway import GatewayReplicaState, ModelGatewaySpec, ServiceRef, ServiceScheme
from herder.controller.clock import SYSTEM_CLOCK, Clock
from herder.controller.cluster.secrets import FRESH_S, SecretMissing, Secrets
from herder.controller.fleet import gatewaystatus
from herder.controller.fleet.credentials import check_bundle, check_key
from herder.controller.fleet.gateways import Access, Gateway, Gateways
from herder.controller.fleet.gatewaystatus import Seen, is_news, status_of
from herder.controller.fleet.members import Members
from herder.controller.fleet.services import Place as ServicePlace
from herder.controller.fleet.services import ServiceMissing, Services
from herder.controller.known.blocked import Blocked
from herder.controller.known.objects import Body, Key, Objects, uid_of
from herder.controller.known.queue import WorkQueue
from herder.controller.status.wishes import Haste, Status
from herder.controller.status.writer import StatusWriter
from herder.net.hosts import host_of
from herder.net.tls import Trust

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
        secrets: Secrets,
        services: Services,
        writer: StatusWriter,
        members: Members,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._objects = objects
        self._queue = queue
        self._gateways = gateways
        self._secrets = secrets
        self._services = services
        self._writer = writer
        self._members = members
        self._clock = clock
        self._troubles: dict[Key, Blocked] = {}
        self._places: dict[Key, ServicePlace] = {}
        """The Services whose replicas are driven."""

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
        if self._objects.get(key) is None:
            return  # gone meanwhile, and forgotten
        is_other = self._take(key, found)
        if is_other or self.is_gone(key):
            self._enqueue_all(key)
        seen = Seen(self._gateways.get(key), self._troubles.get(key))
        if is_other and seen.is_unheard:
            self._queue.add_after(key, _FIRST_WORDS_S)
            return  # what the replicas say is worth more, and comes at once
        haste = Haste.URGENT if is_news(status_of(body), seen) else Haste.NEWS
        self._writer.submit(key, uid_of(body), partial(self._status, key), haste)

    async def _look(self, key: Key, body: Body) -> Access | Blocked:
        """Return how the gateway is reached, or why it can't be driven. Raises KubeError."""
        try:
            spec = parse(ModelGatewaySpec, body.get("spec") or {})
            self._follow(key, spec.service)
            access = await self._access(key, spec)
        except (InvalidResource, ServiceMissing, SecretMissing) as error:
            self._queue.add_after(key, MISSING_RECHECK_S)
            return _trouble(error)
        recheck_s = min(access.resync_s, MISSING_RECHECK_S if self._is_refused(key) else SECRET_RECHECK_S)
        self._queue.add_after(key, recheck_s)
        return access

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
        for key, each in self._places.items():
            if each == place:
                self._queue.add(key)

    def _follow(self, key: Key, ref: ServiceRef | None) -> None:
        """Watch the Service that the gateway's replicas are behind, if they are behind one."""
        if ref is not None:
            self._places[key] = (key.namespace, ref.name)
        else:
            self._places.pop(key, None)
        self._services.watch_only(set(self._places.values()))

    def _forget(self, key: Key) -> None:
        self._follow(key, None)
        self._troubles.pop(key, None)
        self._drop(key)
        self._enqueue_all(key)

    def _enqueue_all(self, key: Key) -> None:
        for member in self._objects.referring_to(key):
            self._queue.add(member)

    async def _access(self, key: Key, spec: ModelGatewaySpec) -> Access:
        """Look up what the spec refers to. Raises ServiceMissing, SecretMissing, KubeError."""
        namespace, resync_s = key.namespace, float(spec.resync_seconds)
        read = partial(self._secrets.get, namespace, fresh_s=min(FRESH_S, resync_s / 2))
        api_key = pem = server_name = None
        if spec.auth is not None:
            hosts = _hosts(namespace, spec)
            api_key = await read(spec.auth.api_key_secret_ref, field="spec.auth.apiKeySecretRef", to=hosts)
            check_key(api_key, f"{namespace}/{spec.auth.api_key_secret_ref.name}")
        if spec.tls is not None:
            pem = await read(spec.tls.ca_secret_ref, field="spec.tls.caSecretRef")
            check_bundle(pem, f"{namespace}/{spec.tls.ca_secret_ref.name}")
        endpoints = spec.endpoints or ()
        if spec.service is not None:
            endpoints = await self._services.endpoints(namespace, spec.service)
            if spec.service.scheme is ServiceScheme.HTTPS:
                server_name = _service_host(namespace, spec.service)
        return Access(
            endpoints,
            spec.mode,
            resync_s,
            _hosts(namespace, spec),
            api_key,
            Trust(pem, server_name),
            _names(namespace, spec.service) if spec.service is not None else (),
        )

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
        return Seen(gateway, self._troubles.get(key), counts)


def _hosts(namespace: str, spec: ModelGatewaySpec) -> tuple[str, ...]:
    """Return the hosts that what is sent to a gateway is sent to, in the words of its resource."""
    if spec.service is not None:
        return (_service_host(namespace, spec.service),)
    return tuple(dict.fromkeys(host_of(url) for url in spec.endpoints or ()))


def _names(namespace: str, ref: ServiceRef) -> tuple[str, ...]:
    """Return what a Service is called in its cluster, where the domain is the usual one."""
    port = f":{ref.port}" if isinstance(ref.port, int) else ""
    hosts = (ref.name, f"{ref.name}.{namespace}", _service_host(namespace, ref))
    return tuple(f"{host}{port}" for host in (*hosts, f"{hosts[-1]}.cluster.local"))


def _service_host(namespace: str, ref: ServiceRef) -> str:
    return f"{ref.name}.{namespace}.svc"


def _trouble(error: InvalidResource | ServiceMissing | SecretMissing) -> Blocked:
    match error:
        case SecretMissing():
            return Blocked(error.reason, str(error))
        case ServiceMissing():
            return Blocked(ReadyReason.SERVICE_NOT_FOUND, str(error))
    return Blocked(ReadyReason.INVALID_SPEC, str(error))
