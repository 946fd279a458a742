"""`herder run`: the operator."""

import os
import re
import sys
from pathlib import Path
from typing import Final

import click
import structlog
import uvloop

from herder.cli import logs
from herder.controller.leadership.election import Terms
from herder.controller.leadership.settings import LeaseOptions
from herder.controller.options import Options
from herder.controller.process import CannotRun
from herder.controller.process import run as run_operator
from herder.controller.running.failpoints import VARIABLE, Failpoint
from herder.net.scrubber import Scrubber

log = structlog.get_logger(__name__)

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_INSTALLATION: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def _namespaces(_context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no name: a pattern would be watched by kopf and be read as a name by all else."""
    for name in names:
        if not _NAMESPACE.fullmatch(name):
            raise click.BadParameter(f"{name!r} is no namespace's name: patterns are not served, name each or use -A")
    return names


def _installation(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Refuse what can't be told apart within a label: its parts are separated by slashes."""
    if name is not None and not _INSTALLATION.fullmatch(name):
        raise click.BadParameter(f"{name!r}: write up to 63 letters, digits, '-', '_' and '.', a uid for example")
    return name


def _named(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Refuse what the API server would."""
    if name is not None and not _NAMESPACE.fullmatch(name):
        raise click.BadParameter(f"{name!r}: write up to 63 lower-case letters, digits and '-'")
    return name


@click.command(context_settings={"auto_envvar_prefix": "HERDER", "show_default": True})
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="How to reach the API server. By default the pod's ServiceAccount, else KUBECONFIG or ~/.kube/config.",
)
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    callback=_namespaces,
    metavar="NAMESPACE",
    help="Namespace to serve; give it several times for several. In HERDER_NAMESPACE they are separated by spaces.",
    envvar="HERDER_NAMESPACE",
)
@click.option("-A", "--all-namespaces", is_flag=True, help="Serve all namespaces; the default if none is named.")
@click.option(
    "--installation",
    callback=_installation,
    metavar="NAME",
    help="What marks entries on a gateway as made by this installation: keep it for good, for what another one made is "
    "never touched. By default the uid of the namespace kube-system, which herder must then be allowed to get.",
)
@click.option(
    "--allow-loopback",
    is_flag=True,
    help="Let gateways and workers have loopback addresses, and this machine's own. For trying things out on one "
    "machine only: in a cluster a resource could reach what listens inside the operator's own pod.",
)
@click.option(
    "--require-bound-keys",
    is_flag=True,
    help="Send keys and headers only from Secrets whose annotation herder.dev/hosts names the hosts that they are for. "
    "Without this flag a Secret that has no such annotation is sent wherever a resource of its namespace says.",
)
@click.option(
    "--health-host",
    metavar="ADDRESS",
    default="127.0.0.1",
    help="Address on which /healthz is served; 0.0.0.0 in a pod.",
)
@click.option(
    "--health-port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=8080,
    help="Port on which /healthz is served; it turns red when a watch is dead. 0: it is not served.",
)
@click.option(
    "--metrics-host",
    metavar="ADDRESS",
    default="127.0.0.1",
    help="Address on which /metrics is served; 0.0.0.0 in a pod.",
)
@click.option(
    "--metrics-port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=8081,
    help="Port on which Prometheus finds /metrics. 0: it is not served.",
)
@click.option(
    "--metrics-secure",
    is_flag=True,
    help="Show metrics only to whom the API server knows by their bearer token and lets `get` the path /metrics; "
    "herder must be allowed to create tokenreviews and subjectaccessreviews.",
)
@click.option(
    "--metrics-tls-folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of tls.crt and tls.key, as a Secret is mounted, to serve metrics over HTTPS with; they are read again "
    "when they change.",
)
@click.option(
    "--max-runs",
    metavar="NUMBER",
    type=click.IntRange(1, 10_000),
    default=32,
    help="Workflow runs at work at once; those that wait for their next attempt, or long for an answer, do not count.",
)
@click.option(
    "--leader-elect/--no-leader-elect",
    default=True,
    help="Act only while holding a Lease, so that of several operators one acts and the others wait to take its place. "
    "Without it there must be no other operator.",
)
@click.option(
    "--lease-name",
    metavar="NAME",
    callback=_named,
    default=LeaseOptions().name,
    help="Name of that Lease; operators that serve different namespaces need different ones.",
)
@click.option(
    "--lease-namespace",
    callback=_named,
    metavar="NAMESPACE",
    help="Namespace of that Lease. By default the pod's own, and outside of a pod `default`.",
)
@click.option(
    "--pod-name",
    metavar="NAME",
    help="Name of the pod that this runs in, by which others see that it has ended and need not wait for its Lease "
    "to run out. By default the host's name: a pod's own, unless that is longer than 63 letters.",
)
@click.option(
    "--termination-log",
    type=click.Path(dir_okay=False, path_type=Path),
    default=LeaseOptions().termination_log,
    help="The container's terminationMessagePath, in which this leaves for the others what it was called.",
)
@click.option(
    "--lease-duration",
    metavar="SECONDS",
    type=click.IntRange(2, 3600),
    default=Terms().lease_s,
    help="Seconds after which another operator takes the Lease that its holder has not renewed.",
)
@click.option(
    "--renew-deadline",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=Terms().renew_deadline_s,
    help="Seconds without a renewal after which its holder stops to act, before it can be another's.",
)
@click.option(
    "--retry-period",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=Terms().retry_period_s,
    help="Seconds between two renewals, and between two attempts to take the Lease.",
)
@click.option("--log-level", type=click.Choice(logs.LEVELS), default="info", help="Least level logged.")
@click.option(
    "--log-format",
    type=click.Choice(logs.FORMATS),
    default="auto",
    help="How log lines look; auto is console on a terminal, JSON otherwise.",
)
def run(  # noqa: PLR0913  (one parameter a flag)
    *,
    kubeconfig: Path | None,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    installation: str | None,
    allow_loopback: bool,
    require_bound_keys: bool,
    health_host: str,
    health_port: int,
    metrics_host: str,
    metrics_port: int,
    metrics_secure: bool,
    metrics_tls_folder: Path | None,
    max_runs: int,
    leader_elect: bool,
    lease_name: str,
    lease_namespace: str | None,
    pod_name: str | None,
    termination_log: Path,
    lease_duration: int,
    renew_deadline: float,
    retry_period: float,
    log_level: str,
    log_format: str,
) -> None:
    """Run the operator until it is told to stop.

    Every option can be set as an environment variable, too: --log-level as HERDER_LOG_LEVEL.
    """
    if namespaces and all_namespaces:
        raise click.UsageError("give either --namespace or --all-namespaces, not both")
    try:
        failpoint = Failpoint.of_environment(os.environ)
    except ValueError as error:
        raise click.UsageError(f"{VARIABLE}: {error}") from error
    try:
        terms = Terms(lease_duration, renew_deadline, retry_period)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    scrubber = Scrubber()
    logs.configure(log_level, log_format, scrubber)
    options = Options(
        kubeconfig=kubeconfig,
        namespaces=namespaces,
        installation=installation,
        allow_loopback=allow_loopback,
        require_bound_keys=require_bound_keys,
        health=f"http://{health_host}:{health_port}/healthz" if health_port else None,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
        metrics_secure=metrics_secure,
        metrics_tls_folder=metrics_tls_folder,
        runs_at_once=max_runs,
        lease=LeaseOptions(lease_name, lease_namespace, pod_name, termination_log, terms) if leader_elect else None,
        failpoint=failpoint,
        scrubber=scrubber,
    )
    try:
        uvloop.run(run_operator(options))
    except CannotRun as error:
        log.error("operator.failed", error=str(error))  # noqa: TRY400  the message is for people, and complete
        sys.exit(1)
