"""What a ModelGateway refers to, looked up: where its replicas are, and how they are spoken to."""

from functools import partial

from herder.api.conditions import ReadyReason
from herder.api.gateway import ModelGatewaySpec, ServiceRef, ServiceScheme
from herder.controller.cluster.secrets import FRESH_S, SecretMissing, Secrets
from herder.controller.fleet.credentials import check_bundle, check_key
from herder.controller.fleet.gateways import Access
from herder.controller.fleet.services import Place, ServiceMissing, Services
from herder.controller.known.blocked import Blocked
from herder.controller.known.objects import Key
from herder.net.hosts import host_of
from herder.net.tls import Trust


class Lookup:
    """Looks up Services and Secrets. Raises KubeError where the API server can't tell."""

    def __init__(self, secrets: Secrets, services: Services) -> None:
        self._secrets = secrets
        self._services = services
        self._places: dict[Key, Place] = {}
        """The Services whose replicas are driven."""

    async def endpoints(self, key: Key, spec: ModelGatewaySpec) -> tuple[str, ...]:
        """Return the replicas' URLs; a Service that they are behind is followed from now on. Raises ServiceMissing."""
        if spec.service is None:
            self.forget(key)
            return spec.endpoints or ()
        self._places[key] = (key.namespace, spec.service.name)
        self._follow()
        return await self._services.endpoints(key.namespace, spec.service)

    def following(self, place: Place) -> list[Key]:
        """Return the gateways whose replicas are behind a Service."""
        return [key for key, each in self._places.items() if each == place]

    def forget(self, key: Key) -> None:
        """Follow no Service for a gateway."""
        self._places.pop(key, None)
        self._follow()

    def _follow(self) -> None:
        self._services.watch_only(set(self._places.values()))

    async def access(self, key: Key, spec: ModelGatewaySpec, endpoints: tuple[str, ...]) -> Access:
        """Return how the replicas at these URLs are driven. Raises SecretMissing."""
        namespace = key.namespace
        resync_s, hosts = float(spec.resync_seconds), _hosts(namespace, spec)
        read = partial(self._secrets.get, namespace, fresh_s=min(FRESH_S, resync_s / 2))
        api_key = pem = server_name = None
        if spec.auth is not None:
            api_key = await read(spec.auth.api_key_secret_ref, field="spec.auth.apiKeySecretRef", to=hosts)
            check_key(api_key, f"{namespace}/{spec.auth.api_key_secret_ref.name}")
        if spec.tls is not None:
            pem = await read(spec.tls.ca_secret_ref, field="spec.tls.caSecretRef")
            check_bundle(pem, f"{namespace}/{spec.tls.ca_secret_ref.name}")
        if spec.service is not None and spec.service.scheme is ServiceScheme.HTTPS:
            server_name = _service_host(namespace, spec.service)
        names = _names(namespace, spec.service) if spec.service is not None else ()
        return Access(endpoints, spec.mode, resync_s, hosts, api_key, Trust(pem, server_name), names)


def trouble(error: ServiceMissing | SecretMissing) -> Blocked:
    """Return what is said of a gateway that refers to something which is missing."""
    reason = error.reason if isinstance(error, SecretMissing) else ReadyReason.SERVICE_NOT_FOUND
    return Blocked(reason, str(error))


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
