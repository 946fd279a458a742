"""The chart's NetworkPolicy: who may reach herder, and what herder may reach."""

import json
from typing import Any

import pytest

from real.packaging.chart import Helm, every, only
from rig.control_plane.cluster import Cluster

DNS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
DNS_PODS = {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
TO_DNS = {"to": [{**DNS, **DNS_PODS}], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
TO_API = {"ports": [{"port": 443}, {"port": 6443}]}
HEALTH = {"ports": [{"port": "health"}]}
METRICS = {"ports": [{"port": "metrics"}]}
PROMETHEUS = {"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}
SHEPHERD = {"to": [{"podSelector": {"matchLabels": {"app": "shepherd"}}}], "ports": [{"port": 30000}]}
CACHE = {"ipBlock": {"cidr": "169.254.20.10/32"}}
ON: dict[str, Any] = {"enabled": True}

TABLE = [
    pytest.param({"networkPolicy": ON}, [HEALTH], [TO_DNS, TO_API], id="health, names and the API server"),
    pytest.param(
        {"networkPolicy": ON, "metrics": {"enabled": True}}, [HEALTH, METRICS], [TO_DNS, TO_API], id="metrics, for all"
    ),
    pytest.param(
        {"networkPolicy": {**ON, "metricsFrom": [PROMETHEUS]}, "metrics": {"enabled": True}},
        [HEALTH, {**METRICS, "from": [PROMETHEUS]}],
        [TO_DNS, TO_API],
        id="metrics, for some",
    ),
    pytest.param(
        {"networkPolicy": {**ON, "metricsFrom": [PROMETHEUS]}}, [HEALTH], [TO_DNS, TO_API], id="no metrics for anybody"
    ),
    pytest.param(
        {"networkPolicy": {**ON, "apiServer": {"cidrs": ["10.0.0.1/32", "fd00::1/128"], "ports": [8443]}}},
        [HEALTH],
        [TO_DNS, {"ports": [{"port": 8443}], "to": [{"ipBlock": {"cidr": c}} for c in ("10.0.0.1/32", "fd00::1/128")]}],
        id="an API server with an address",
    ),
    pytest.param(
        {"networkPolicy": {**ON, "dns": {"to": [CACHE]}}},
        [HEALTH],
        [{**TO_DNS, "to": [CACHE]}, TO_API],
        id="names elsewhere",
    ),
    pytest.param({"networkPolicy": {**ON, "peers": [SHEPHERD]}}, [HEALTH], [TO_DNS, TO_API, SHEPHERD], id="a gateway"),
]


@pytest.mark.parametrize(("values", "ingress", "egress"), TABLE)
def test_it_lets_pass(helm: Helm, values: dict[str, Any], ingress: list[Any], egress: list[Any]) -> None:
    documents = helm.template_of(values)

    spec = only(documents, "NetworkPolicy")["spec"]

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["podSelector"] == only(documents, "Deployment")["spec"]["selector"]
    assert (spec["ingress"], spec["egress"]) == (ingress, egress)


def test_its_ports_are_the_pods_own(helm: Helm) -> None:
    documents = helm.template("networkPolicy.enabled=true", "metrics.enabled=true")

    [container] = only(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {each["port"] for rule in only(documents, "NetworkPolicy")["spec"]["ingress"] for each in rule["ports"]}
    assert ports == {each["name"] for each in container["ports"]}


def test_there_is_none_unless_it_is_asked_for(helm: Helm) -> None:
    assert every(helm.template(), "NetworkPolicy") == []


@pytest.mark.parametrize(("values", "ingress", "egress"), TABLE)
def test_the_api_server_takes_it(
    helm: Helm, control_plane: Cluster, values: dict[str, Any], ingress: list[Any], egress: list[Any]
) -> None:
    policy = only(helm.template_of(values), "NetworkPolicy")

    done = control_plane.kubectl("apply", "--dry-run=server", "-f", "-", input=json.dumps(policy))

    assert "created (server dry run)" in done.stdout
