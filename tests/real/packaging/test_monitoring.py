"""What the chart gives the Prometheus operator and Grafana; their CRDs are stood in for by ones that take anything."""

import json
from typing import Any

import pytest
import yaml

from real.packaging.chart import CHART, Helm, container_of, every, only
from rig.control_plane.cluster import Cluster

KINDS = {"ServiceMonitor": "servicemonitors", "PodMonitor": "podmonitors", "PrometheusRule": "prometheusrules"}
ON = "metrics.enabled=true"


def crd(kind: str) -> dict[str, Any]:
    """One of the Prometheus operator's kinds, with whatever fields."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": KINDS[kind]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{KINDS[kind]}.monitoring.coreos.com"},
        "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": names, "versions": [version]},
    }


@pytest.mark.parametrize(
    ("kind", "field", "name"),
    [
        pytest.param("ServiceMonitor", "endpoints", "serviceMonitor", id="ServiceMonitor"),
        pytest.param("PodMonitor", "podMetricsEndpoints", "podMonitor", id="PodMonitor"),
    ],
)
def test_a_monitor_finds_the_port_by_its_name(helm: Helm, kind: str, field: str, name: str) -> None:
    settings = {"enabled": True, "interval": "30s", "labels": {"release": "prometheus"}}

    documents = helm.template_of({"metrics": {"enabled": True, name: settings}})

    monitor = only(documents, kind)
    assert monitor["spec"][field] == [{"port": "metrics", "honorLabels": True, "interval": "30s"}]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    found = (
        only(documents, "Service") if kind == "ServiceMonitor" else only(documents, "Deployment")["spec"]["template"]
    )
    assert wanted <= found["metadata"]["labels"].items()


def test_secure_metrics_are_asked_for_with_prometheus_token_over_https(helm: Helm) -> None:
    settings = {"enabled": True, "secure": True, "tlsSecret": "herder-tls", "serviceMonitor": {"enabled": True}}

    documents = helm.template_of({"metrics": settings})

    [endpoint] = only(documents, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["bearerTokenFile"] == "/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert (endpoint["scheme"], endpoint["tlsConfig"]["serverName"]) == ("https", "herder.default.svc")
    assert endpoint["tlsConfig"]["ca"]["secret"] == {"name": "herder-tls", "key": "ca.crt"}


def test_the_certificate_is_where_herder_is_told_to_read_it(helm: Helm) -> None:
    documents = helm.template("metrics.enabled=true", "metrics.secure=true", "metrics.tlsSecret=herder-tls")

    container, pod = container_of(documents), only(documents, "Deployment")["spec"]["template"]["spec"]
    [mount], [volume] = container["volumeMounts"], pod["volumes"]
    assert (mount["name"], volume["secret"]) == (volume["name"], {"secretName": "herder-tls"})
    assert f"--metrics-tls-folder={mount['mountPath']}" in container["args"]
    assert "--metrics-secure" in container["args"]


def test_the_alerts_are_those_of_the_file(helm: Helm) -> None:
    rule = only(helm.template("metrics.prometheusRule.enabled=true"), "PrometheusRule")

    assert rule["spec"]["groups"]
    assert rule["spec"] == yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())


def test_the_dashboard_is_that_of_the_file_where_grafanas_sidecar_looks(helm: Helm) -> None:
    [dashboard] = every(helm.template("metrics.dashboard.enabled=true"), "ConfigMap")

    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["herder.json"]) == json.loads((CHART / "files" / "dashboard.json").read_text())


def test_nothing_of_it_is_there_unless_it_is_asked_for(helm: Helm) -> None:
    kinds = {each["kind"] for each in helm.template(ON)}

    assert not kinds & {*KINDS, "ConfigMap"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_api_server_takes_it(helm: Helm, control_plane: Cluster, namespace: str, kind: str) -> None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{KINDS[kind]}.monitoring.coreos.com"
    control_plane.apply(path, crd(kind))
    control_plane.kubectl(
        "wait", "--for=condition=Established", "--timeout=120s", "crd", f"{KINDS[kind]}.monitoring.coreos.com"
    )
    name = kind[0].lower() + kind[1:]
    document = only(helm.template(ON, f"metrics.{name}.enabled=true", namespace=namespace), kind)

    found = control_plane.apply(f"/apis/monitoring.coreos.com/v1/namespaces/{namespace}/{KINDS[kind]}/herder", document)

    assert found["spec"] == document["spec"]


def test_a_runbook_is_found_below_the_url_that_is_given(helm: Helm) -> None:
    settings = {"enabled": True, "runbookBaseUrl": "https://git.example/herder/blob/main"}

    rule = only(helm.template_of({"metrics": {"prometheusRule": settings}}), "PrometheusRule")

    urls = [each["annotations"]["runbook_url"] for group in rule["spec"]["groups"] for each in group["rules"]]
    assert urls
    assert all(url.startswith("https://git.example/herder/blob/main/docs/runbooks/") for url in urls)
