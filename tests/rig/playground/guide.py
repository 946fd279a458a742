"""How to use the world that `up` has left running."""

import json
import sys
from pathlib import Path
from shlex import quote
from typing import Final

from herder.api.meta import API_VERSION, WORKER_REGISTRATION
from rig.playground.samples import Samples
from rig.playground.state import State
from rig.playground.world import SCRIPTS, SICK_STATUS
from rig.ports import HOST

_WORKER: Final = "qwen-a"
_OWN: Final = "mine"


def guide(samples: Samples, state: State) -> str:
    """The text that `up` prints; every line of it that is indented by four can be pasted."""
    control_plane = state.world / "control-plane"
    gateway, replica = f"http://{HOST}:{samples.gateway_ports[0]}", samples.gateway_ports[-1]
    *others, last = map(str, samples.gateway_ports)
    ports = f"{', '.join(others)} and {last}"
    return f"""\
The playground is up: a Kubernetes control plane, the operator, {len(samples.gateway_ports)} gateway replicas
(ports {ports}) and {len(samples.worker_urls)} workers (port {samples.worker_port}).
{samples.folder.name}/ was applied when it came up.

  look at it
    export KUBECONFIG={quote(str(control_plane / "kubeconfig"))}
    export PATH={quote(str(control_plane / "bin"))}:$PATH
    kubectl get wr --watch

  make a worker sick, and heal it
    {_set_health(samples, SICK_STATUS)}
    {_set_health(samples, 200)}

  add a worker of your own (a mock; of a real inference server give the URL in the second line instead)
    {_set_up(samples)}
    {_declare(samples)}

  kill a gateway replica (it is started again, with an empty registry)
    kill -9 $(cat {quote(str(state.replica_pid(replica)))})

  ask the gateway itself
    curl -s {gateway}/workers

  look up a word of a status, and all else that the operator's own command says
    {quote(str(Path(sys.executable).with_name("herder")))} reasons WorkerUnreachable
    {quote(str(Path(sys.executable).with_name("herder")))} --help

  read what the operator does, and its metrics
    tail -f {quote(str(state.world / "logs"))}/operator-*.log
    curl -s {state.metrics_url.read_text().strip()}

  end it all
    make down"""


def _set_health(samples: Samples, status: int) -> str:
    healthy = SCRIPTS[_WORKER]
    script = json.dumps({"runtime": healthy.runtime, "models": healthy.models, "health_status": status})
    return f"curl -X PUT http://{HOST}:{samples.worker_port}/_ctl/{_WORKER} -d '{script}'"


def _set_up(samples: Samples) -> str:
    return f"curl -X PUT http://{HOST}:{samples.worker_port}/_ctl/{_OWN} -d '{{}}'"


def _declare(samples: Samples) -> str:
    manifest = {
        "apiVersion": API_VERSION,
        "kind": WORKER_REGISTRATION.kind,
        "metadata": {"name": _OWN},
        "spec": {"gatewayRef": {"name": samples.gateway}, "url": f"http://{HOST}:{samples.worker_port}/w/{_OWN}"},
    }
    return f"echo '{json.dumps(manifest)}' | kubectl apply -f -"
