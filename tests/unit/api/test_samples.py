"""samples/: what a newcomer applies first must be right to the letter."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from herder.api.base import parse
from herder.api.crd.catalog import DEFINITIONS
from herder.api.meta import API_VERSION

SAMPLES = Path(__file__).parents[3] / "samples"
SPECS = {each.kind.kind: each.spec for each in DEFINITIONS}


def _resources() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{path.name}:{resource['metadata']['name']}", resource)
        for path in sorted(SAMPLES.glob("*.yaml"))
        for resource in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if resource.get("apiVersion", "").startswith("herder.dev/")
    ]


@pytest.mark.parametrize(("name", "resource"), _resources(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_sample_parses_with_unknown_fields_forbidden(name: str, resource: dict[str, Any]) -> None:
    assert resource["apiVersion"] == API_VERSION

    parse(SPECS[resource["kind"]], resource["spec"], unknown="forbid")


def test_there_is_a_sample_of_every_kind() -> None:
    assert {resource["kind"] for _, resource in _resources()} == set(SPECS)


def test_samples_name_gateways_that_are_among_them() -> None:
    gateways = {resource["metadata"]["name"] for _, resource in _resources() if resource["kind"] == "ModelGateway"}
    wanted = {
        resource["spec"]["gatewayRef"]["name"] for _, resource in _resources() if "gatewayRef" in resource["spec"]
    }

    assert wanted <= gateways
