"""The operator process: it watches from its start to its end, and acts only while it leads.

    start ─▶ everything is read ─▶ stand by ─▶ lead ─▶ told to stop ─▶ runs recorded, Lease given back ─▶ end
                                       ▲         │ the mandate is over
                                       └─────────┘

A mandate that ends does not end the process: an API server that is away for a while would otherwise end every operator,
and a kubelet would let them wait for minutes. If the watching ends by itself the process does, loudly, to be started
again; so it does where what acts ends by itself, or does not stop.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException

from herder.controller.cluster.errors import Forbidden, KubeError, NotFound
from herder.controller.cluster.kube import Kube, installation_of, patiently
from herder.controller.cluster.login import load_configuration, read_credentials, server_of
from herder.controller.leadership.candidate import Candidate, Unopposed, candidate_of
from herder.controller.leadership.standby import Standby
from herder.controller.metrics.access import Gatekeeper, certificate
from herder.controller.metrics.registry import Metrics
from herder.controller.metrics.serving import CannotServe, served
from herder.controller.options import Options
from herder.controller.reign import Reign
from herder.controller.running.listening import RunListener
from herder.controller.signals import listen
from herder.controller.tracing.settings import CannotTrace, traced
from herder.controller.watch.handlers import registry_of
from herder.controller.watch.watching import watching
from herder.net.address import AddressPolicy
from herder.net.permit import Permit, always, never
from herder.net.surroundings import api_server_sockets, own_addresses

log = structlog.get_logger(__name__)


class CannotRun(RuntimeError):
    """The operator can't start, or can't go on; the message says why and what to do."""


async def run(options: Options) -> None:
    """Run the operator until SIGTERM or SIGINT. Raises CannotRun."""
    try:
        configuration = await load_configuration(options.kubeconfig)
    except ConfigException as error:
        raise CannotRun(
            "no API server is configured: give --kubeconfig, set KUBECONFIG, have a ~/.kube/config, or run in a pod "
            f"({error})"
        ) from error
    metrics = Metrics()
    renew = partial(read_credentials, configuration, options.kubeconfig)

    def api(permit: Permit) -> Kube:
        return Kube(configuration, options.scrubber.learn, metrics.api.heard, renew, permit)

    # The Lease has connections of its own: however busy the others are, it is renewed.
    async with _traced(options) as traces, api(never) as kube, api(always) as lease_kube:
        standby = Standby(kube, options.namespaces)
        candidate: Candidate = Unopposed()
        if options.lease is not None:
            candidate = candidate_of(options.lease, lease_kube, lambda: standby.objects.highest_epoch)
        installation = await _looked_around(options, kube, candidate, standby)
        log.info("operator.started", installation=installation, objects=sum(1 for _ in standby.objects))
        reign = Reign(
            options=options,
            policy=AddressPolicy(
                options.allow_loopback, own_addresses(), await api_server_sockets(server_of(configuration))
            ),
            api=api,
            installation=installation,
            metrics=metrics,
            listeners=traces,
            standby=standby,
            candidate=candidate,
        )
        async with _metrics_served(options, metrics, api(always)):
            await _serve(reign, configuration)
        log.info("operator.stopped")


@asynccontextmanager
async def _metrics_served(options: Options, metrics: Metrics, api: Kube) -> AsyncIterator[None]:
    """Serve metrics within the block; `api` is asked who may read them. Raises CannotRun."""
    async with api as kube:
        judge = Gatekeeper(kube).judge if options.metrics_secure else None
        try:
            tls = _metrics_certificate(options)
            async with served(metrics.text, options.metrics_host, options.metrics_port, judge=judge, tls=tls):
                yield
        except CannotServe as error:
            raise CannotRun(f"{error}; give another --metrics-port") from error


def _metrics_certificate(options: Options) -> ssl.SSLContext | None:
    if options.metrics_tls_folder is None:
        return None
    try:
        return certificate(options.metrics_tls_folder)
    except OSError as error:
        raise CannotServe(f"the certificate for metrics can't be used: {error.strerror or error}") from error


@asynccontextmanager
async def _traced(options: Options) -> AsyncIterator[tuple[RunListener, ...]]:
    try:
        async with traced(os.environ, options.scrubber.scrub) as traces:
            yield traces
    except CannotTrace as error:
        raise CannotRun(str(error)) from error


async def _looked_around(options: Options, kube: Kube, candidate: Candidate, standby: Standby) -> str:
    """Look whose the Lease is, then read everything; return what marks this installation's entries."""
    try:
        await patiently(candidate.look)
    except Forbidden as error:
        raise CannotRun(f"the Lease can't be read: {error}; allow it, or give --no-leader-elect") from error
    except KubeError as error:
        raise CannotRun(f"the API server can't be used: {error}") from error
    try:
        installation = options.installation
        if installation is None:
            installation = await patiently(partial(installation_of, kube))
        await patiently(standby.prime)
    except NotFound as error:
        raise CannotRun(f"the API server lacks herder's resources: kubectl apply -f crds/ ({error})") from error
    except KubeError as error:
        raise CannotRun(f"the API server can't be used: {error}") from error
    return installation


async def _serve(reign: Reign, configuration: Configuration) -> None:
    """Watch and lead until a signal ends it. Raises CannotRun where it ends by itself."""
    stop = asyncio.Event()
    renew = partial(read_credentials, configuration, reign.options.kubeconfig)
    registry = registry_of(configuration, reign.standby.seen, reign.standby.gone, renew)
    options = reign.options
    async with watching(registry, options.namespaces, options.health, partial(listen, stop)) as watch:
        stopping = asyncio.create_task(stop.wait(), name="stop signal")
        reigning = asyncio.create_task(reign.go_on(), name="reign")
        await asyncio.wait({reigning, watch, stopping}, return_when=asyncio.FIRST_COMPLETED)
        is_asked = stop.is_set()
        reigning.cancel()
        stopping.cancel()
        await asyncio.wait({reigning, stopping})
    cause = _error_of(reigning) or (None if is_asked else _error_of(watch))
    if cause is not None or not is_asked:
        log.error("operator.ended", exc_info=cause)
        raise CannotRun("the operator has ended by itself; the log says why") from cause


def _error_of(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
