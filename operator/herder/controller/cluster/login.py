"""How herder makes itself known to the API server, and how it knows the API server: read from files, and read again.

kubernetes_asyncio finds and reads them: a kubeconfig with all that it may hold, or what a pod is given.
"""

import os
import ssl
from pathlib import Path

import structlog
from kubernetes_asyncio import config
from kubernetes_asyncio.client import Configuration

log = structlog.get_logger(__name__)


async def load_configuration(kubeconfig: Path | None) -> Configuration:
    """Find the API server: `kubeconfig` if given, else the pod's ServiceAccount, else KUBECONFIG or ~/.kube/config.

    Raises kubernetes_asyncio's ConfigException when there is none.
    """
    configuration = Configuration()
    await read_credentials(configuration, kubeconfig)
    return configuration


async def read_credentials(configuration: Configuration, kubeconfig: Path | None) -> None:
    """Bring `configuration` to what the files say now, as `load_configuration` does: a token may have been replaced."""
    if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # it has none
    else:
        path = str(kubeconfig) if kubeconfig else None
        await config.load_kube_config(config_file=path, client_configuration=configuration)


def server_of(configuration: Configuration) -> str:
    """Return the API server's URL, without a trailing slash."""
    return str(configuration.host).rstrip("/")


def tls_of(configuration: Configuration) -> ssl.SSLContext:
    """Return what the API server is verified with. Where a kubeconfig says that it is not to be, that is logged."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not configuration.verify_ssl:
        log.warning("api_server.unverified", error="the kubeconfig says insecure-skip-tls-verify: anybody may answer")
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if getattr(configuration, "disable_strict_ssl_verification", False):
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
