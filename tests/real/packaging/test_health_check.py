"""`helm test`: its pod's very command, against an operator that is well and against what is not."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from real.packaging.chart import Helm, only
from rig.operator_process import Operator
from rig.ports import HOST, reserve_port


def command_for(helm: Helm, url: str) -> list[str]:
    """What the pod runs, asking another URL."""
    [container] = only(helm.template(), "Pod")["spec"]["containers"]
    python, *words, asked = container["command"]
    assert (python, asked) == ("python", "http://herder.herder-system.svc:8080/healthz")
    return [sys.executable, *words, url]


def test_it_asks_the_service_and_is_not_found_by_it(helm: Helm) -> None:
    documents = helm.template()
    service, pod = only(documents, "Service"), only(documents, "Pod")

    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert (
        f"http://{service['metadata']['name']}.herder-system.svc:8080/" in pod["spec"]["containers"][0]["command"][-1]
    )
    assert not service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


def test_an_operator_that_is_well_passes(helm: Helm, start_operator: Callable[..., Operator]) -> None:
    operator = start_operator().wait_healthy()

    done = subprocess.run(command_for(helm, operator.health_url), capture_output=True, text=True, check=True)

    assert "watchers" in done.stdout


@pytest.mark.parametrize("path", ["healthz", "elsewhere"])
def test_nobody_and_somebody_else_do_not(helm: Helm, path: str, start_operator: Callable[..., Operator]) -> None:
    well = start_operator().wait_healthy().health_url
    url = f"http://{HOST}:{reserve_port()}/healthz" if path == "healthz" else well.replace("healthz", path)

    done = subprocess.run(command_for(helm, url), capture_output=True, check=False)

    assert done.returncode != 0
