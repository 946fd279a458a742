"""What the chart renders is taken by a real API server, in a namespace where pod security is restricted."""

import json

import pytest

from real.packaging.chart import Helm, only, pod_of
from rig.control_plane.cluster import Cluster, KubectlError

DRY_RUN = ("apply", "--dry-run=server", "-f", "-")


def test_the_api_server_takes_all_of_it_without_a_warning(
    helm: Helm, control_plane: Cluster, restricted_namespace: str
) -> None:
    documents = [
        *helm.template(namespace=restricted_namespace),
        *helm.template(f"namespaces={{{restricted_namespace}}}", namespace=restricted_namespace),
    ]

    done = control_plane.kubectl(*DRY_RUN, input="---\n".join(json.dumps(document) + "\n" for document in documents))

    assert done.stdout.count("(server dry run)") == len(documents)
    assert "Warning" not in done.stderr


def test_its_pod_is_admitted_where_pods_must_be_restricted(
    helm: Helm, control_plane: Cluster, restricted_namespace: str
) -> None:
    pod = pod_of(only(helm.template(), "Deployment"), restricted_namespace)

    done = control_plane.kubectl(*DRY_RUN, input=json.dumps(pod))

    assert "pod/herder created (server dry run)" in done.stdout


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
    assert only(documents, "ServiceAccount")["automountServiceAccountToken"] is False
    assert "volumes" not in pod
