"""What a gateway is called where a Secret says which hosts it is for: as its resource calls it, never by more."""

from typing import Any

import pytest

from herder.api.base import parse
from herder.api.gateway import ModelGatewaySpec
from herder.controller.fleet.lookup import _hosts

SPECS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an address": ({"endpoints": ["http://10.0.0.1:30000"]}, ("10.0.0.1",)),
    "names, each once": (
        {"endpoints": ["http://A.example:1", "https://a.example", "http://b.example/x"]},
        ("a.example", "b.example"),
    ),
    "IPv6": ({"endpoints": ["http://[fd00::7]:30000"]}, ("fd00::7",)),
    "a service": ({"service": {"name": "shepherd", "port": 80}}, ("shepherd.team.svc",)),
}


@pytest.mark.parametrize(("spec", "hosts"), SPECS.values(), ids=SPECS.keys())
def test_the_hosts_of_a_gateway(spec: dict[str, Any], hosts: tuple[str, ...]) -> None:
    assert _hosts("team", parse(ModelGatewaySpec, spec)) == hosts
