"""What the chart renders, by the real helm."""

from typing import Any

import pytest

from herder import __version__
from real.packaging.chart import CHART, NAMED, Helm, HelmError, container_of, every, only, options_of, sets

PROFILES = [pytest.param((), id="all namespaces"), pytest.param(NAMED, id="named namespaces")]
ALONE = "leaderElection.enabled=false"
EVERYTHING = (
    "replicas=2",
    "networkPolicy.enabled=true",
    "metrics.enabled=true",
    *(f"metrics.{part}.enabled=true" for part in ("serviceMonitor", "prometheusRule", "dashboard")),
)


def pod_spec(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The Deployment's pods."""
    spec: dict[str, Any] = only(documents, "Deployment")["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("values", [*PROFILES, pytest.param(EVERYTHING, id="everything")])
def test_helm_finds_nothing_to_complain_about(helm: Helm, values: tuple[str, ...]) -> None:
    said = helm.run("lint", "--strict", str(CHART), *sets(values))

    assert "0 chart(s) failed" in said


@pytest.mark.parametrize("values", PROFILES)
def test_the_container_starts_herder_with_options_that_it_has(helm: Helm, values: tuple[str, ...]) -> None:
    documents = helm.template(*values)

    options = options_of(documents)

    assert options["health_host"] == "0.0.0.0"
    assert options["health_port"] == container_of(documents)["ports"][0]["containerPort"]
    assert options["namespaces"] == (("a", "b") if values else ())
    assert options["all_namespaces"] is not bool(values)
    assert options["installation"] == ("here" if values else None)
    assert not options["allow_loopback"]


@pytest.mark.parametrize(
    ("values", "port", "ports"),
    [
        pytest.param((), 0, {"health": 8080}, id="off"),
        pytest.param(("metrics.enabled=true",), 8081, {"health": 8080, "metrics": 8081}, id="on"),
    ],
)
def test_metrics_are_served_where_they_are_asked_for(
    helm: Helm, values: tuple[str, ...], port: int, ports: dict[str, int]
) -> None:
    documents = helm.template(*values)

    assert options_of(documents)["metrics_port"] == port
    assert {each["name"]: each["containerPort"] for each in container_of(documents)["ports"]} == ports
    service = only(documents, "Service")
    assert {each["targetPort"]: each["port"] for each in service["spec"]["ports"]} == ports


def test_without_leader_election_two_operators_are_never_there(helm: Helm) -> None:
    documents = helm.template(ALONE)
    spec = only(documents, "Deployment")["spec"]

    assert not options_of(documents)["leader_elect"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_with_leader_election_the_next_pod_is_there_before_the_last_one_goes(helm: Helm) -> None:
    spec = only(helm.template(), "Deployment")["spec"]

    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_pods_contend_for_the_lease_of_their_release(helm: Helm) -> None:
    terms = {"leaseDurationSeconds": 5, "renewDeadlineSeconds": 3, "retryPeriodSeconds": 0.5}

    options = options_of(helm.template_of({"leaderElection": terms}))

    assert (options["leader_elect"], options["lease_namespace"]) == (True, "default")
    assert options["lease_name"] == "herder"
    assert [options[name] for name in ("lease_duration", "renew_deadline", "retry_period")] == [5, 3, 0.5]


@pytest.mark.parametrize(
    ("values", "budgets"),
    [
        pytest.param((), [], id="one replica: it would block every drain"),
        pytest.param(("replicas=2",), [1], id="two replicas"),
        pytest.param(("replicas=2", "podDisruptionBudget.enabled=false"), [], id="not wanted"),
    ],
)
def test_from_two_replicas_on_one_at_a_time_may_be_evicted(
    helm: Helm, values: tuple[str, ...], budgets: list[int]
) -> None:
    found = every(helm.template(*values), "PodDisruptionBudget")

    assert [each["spec"]["maxUnavailable"] for each in found] == budgets


def test_a_digest_pins_the_image(helm: Helm) -> None:
    digest = f"sha256:{'0' * 64}"

    pinned = container_of(helm.template("image.repository=r.example/herder", f"image.digest={digest}"))
    tagged = container_of(helm.template("image.repository=r.example/herder"))

    assert pinned["image"] == f"r.example/herder@{digest}"
    assert tagged["image"] == f"r.example/herder:{__version__}"


@pytest.mark.parametrize(
    ("values", "field", "rendered"),
    [
        pytest.param({"priorityClassName": "high"}, "priorityClassName", "high", id="priority class"),
        pytest.param({"nodeSelector": {"disk": "ssd"}}, "nodeSelector", {"disk": "ssd"}, id="node selector"),
        pytest.param(
            {"tolerations": [{"operator": "Exists"}]}, "tolerations", [{"operator": "Exists"}], id="toleration"
        ),
        pytest.param({"terminationGracePeriodSeconds": 60}, "terminationGracePeriodSeconds", 60, id="time to stop"),
        pytest.param({"imagePullSecrets": [{"name": "r"}]}, "imagePullSecrets", [{"name": "r"}], id="pull secret"),
        pytest.param(
            {
                "affinity": {
                    "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "z"}]}
                }
            },
            "affinity",
            {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "z"}]}},
            id="affinity",
        ),
    ],
)
def test_what_is_said_of_the_pod_is_what_it_has(
    helm: Helm, values: dict[str, Any], field: str, rendered: object
) -> None:
    assert pod_spec(helm.template_of(values))[field] == rendered


@pytest.mark.parametrize("is_required", [True, False])
def test_keys_must_say_their_hosts_where_that_is_asked_for(helm: Helm, is_required: bool) -> None:
    options = options_of(helm.template_of({"requireBoundKeys": is_required}))

    assert options["require_bound_keys"] is is_required


def test_further_flags_and_variables_are_given_to_the_container(helm: Helm) -> None:
    variables = [{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]

    documents = helm.template_of({"extraArgs": ["--max-runs=7"], "extraEnv": variables})

    assert options_of(documents)["max_runs"] == 7
    assert container_of(documents)["env"][1:] == variables


def test_a_pod_that_contends_knows_its_own_name_and_leaves_it_where_the_kubelet_looks(helm: Helm) -> None:
    contending, alone = container_of(helm.template()), container_of(helm.template(ALONE))

    assert contending["env"] == [
        {"name": "HERDER_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    assert "terminationMessagePath" not in contending
    assert "env" not in alone


def test_pods_carry_further_labels_and_annotations_but_no_other_label_in_the_place_of_the_selectors(helm: Helm) -> None:
    labels = {"team": "a", "app.kubernetes.io/name": "other"}

    template = only(helm.template_of({"podLabels": labels, "podAnnotations": {"x": "y"}}), "Deployment")["spec"][
        "template"
    ]

    assert template["metadata"]["annotations"] == {"x": "y"}
    assert template["metadata"]["labels"]["team"] == "a"
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "herder"


def test_replicas_of_one_version_are_spread_over_nodes(helm: Helm) -> None:
    documents = helm.template()

    [constraint] = pod_spec(documents)["topologySpreadConstraints"]

    assert (constraint["topologyKey"], constraint["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    assert constraint["labelSelector"] == only(documents, "Deployment")["spec"]["selector"]
    assert constraint["matchLabelKeys"] == ["pod-template-hash"]


def test_a_constraint_that_says_which_pods_count_is_left_as_it_is(helm: Helm) -> None:
    own = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}

    assert pod_spec(helm.template_of({"topologySpreadConstraints": [own]}))["topologySpreadConstraints"] == [own]


def test_an_account_that_exists_is_used_and_given_the_roles(helm: Helm) -> None:
    documents = helm.template("serviceAccount.create=false", "serviceAccount.name=mine")

    assert every(documents, "ServiceAccount") == []
    assert pod_spec(documents)["serviceAccountName"] == "mine"
    assert [each["name"] for each in only(documents, "ClusterRoleBinding")["subjects"]] == ["mine"]


def test_an_account_that_is_made_is_annotated(helm: Helm) -> None:
    account = only(helm.template_of({"serviceAccount": {"annotations": {"role": "r"}}}), "ServiceAccount")

    assert account["metadata"]["annotations"] == {"role": "r"}


def test_named_namespaces_without_an_installation_are_refused_where_no_cluster_is_asked(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"installation: .*kubectl get namespace kube-system"):
        helm.template("watchNamespaces={a,b}")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param((), "serves all namespaces", id="all namespaces"),
        pytest.param(NAMED, "serves a, b", id="named namespaces"),
        pytest.param((), "rollout status deployment/herder && helm test herder -n herder-system", id="what to do next"),
        pytest.param((), "delete herder's resources", id="what to do before it goes"),
        pytest.param(
            ("crds.install=false",), "kubectl apply --server-side --force-conflicts -f crds/", id="CRDs apart"
        ),
    ],
)
def test_the_notes_say(helm: Helm, values: tuple[str, ...], says: str) -> None:
    words = ("--namespace", "herder-system", "--dry-run=client", *sets(values))

    assert says in helm.run("install", "herder", str(CHART), *words)
