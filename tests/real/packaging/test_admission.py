"""What the chart renders is taken by a real API server, in a namespace where pod security is restricted."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from real.packaging.chart import NAMED, Helm, only, pod_of
from rig.control_plane.cluster import Cluster, KubectlError

DRY_RUN = ("apply", "--dry-run=server", "-f", "-")
EVERYTHING = (
    "replicas=2",
    "networkPolicy.enabled=true",
    "metrics.enabled=true",
    "metrics.dashboard.enabled=true",
    "admissionPolicies.forbidOrphan=true",
)


def as_stream(documents: Iterable[dict[str, Any]]) -> str:
    """The documents as kubectl reads them."""
    return "---\n".join(json.dumps(document) + "\n" for document in documents)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((), id="all namespaces"),
        pytest.param(("watchNamespaces={NAMESPACE}", NAMED[1]), id="named namespaces"),
        pytest.param(EVERYTHING, id="everything"),
    ],
)
def test_the_api_server_takes_all_of_it_without_a_warning(
    helm: Helm, control_plane: Cluster, restricted_namespace: str, values: tuple[str, ...]
) -> None:
    words = (value.replace("NAMESPACE", restricted_namespace) for value in values)
    documents = helm.template(*words, namespace=restricted_namespace)

    done = control_plane.kubectl(*DRY_RUN, input=as_stream(documents))

    assert done.stdout.count("(server dry run)") == len(documents)
    assert "Warning" not in done.stderr


@pytest.mark.parametrize("values", [pytest.param((), id="as it is"), pytest.param(EVERYTHING, id="everything")])
def test_its_pod_is_admitted_where_pods_must_be_restricted(
    helm: Helm, control_plane: Cluster, restricted_namespace: str, values: tuple[str, ...]
) -> None:
    pod = pod_of(only(helm.template(*values), "Deployment"), restricted_namespace)

    done = control_plane.kubectl(*DRY_RUN, input=json.dumps(pod))

    assert "pod/herder created (server dry run)" in done.stdout


def test_the_pod_of_helm_test_is_admitted_there_too(
    helm: Helm, control_plane: Cluster, restricted_namespace: str
) -> None:
    pod = only(helm.template(namespace=restricted_namespace), "Pod")

    done = control_plane.kubectl(*DRY_RUN, input=json.dumps(pod))

    assert "pod/herder-test created (server dry run)" in done.stdout


def test_a_pod_that_may_gain_privileges_is_not_admitted_there(
    helm: Helm, control_plane: Cluster, restricted_namespace: str
) -> None:
    pod = pod_of(only(helm.template(), "Deployment"), restricted_namespace)
    del pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"]

    with pytest.raises(KubectlError, match="violates PodSecurity"):
        control_plane.kubectl(*DRY_RUN, input=json.dumps(pod))


def test_it_can_write_nowhere_and_only_its_own_pod_is_given_a_token(helm: Helm) -> None:
    documents = helm.template()
    pod = only(documents, "Deployment")["spec"]["template"]["spec"]

    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["automountServiceAccountToken"] is True
    assert only(documents, "ServiceAccount")["automountServiceAccountToken"] is False
    assert only(documents, "Pod")["spec"]["automountServiceAccountToken"] is False
    assert "volumes" not in pod
