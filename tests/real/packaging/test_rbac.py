"""The chart's roles, to the verb: what they say, and what a real API server makes of them."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from real.packaging.chart import NAMED, Helm, every
from real.packaging.grants import IDENTITY, LEASE, REVIEWS, RIVALS, SERVING, Grant, granted
from rig.control_plane.api_client import ApiClient
from rig.control_plane.cluster import Cluster
from rig.waiting import eventually

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
SPECIAL = (
    *((verb, "clusterroles") for verb in ("bind", "escalate")),
    *((verb, "roles") for verb in ("bind", "escalate")),
    *(("impersonate", who) for who in ("users", "groups", "serviceaccounts")),
    ("use", "*"),
    ("*", "*"),
)
EVERYBODY = frozenset(
    {
        *(("create", f"selfsubject{what}") for what in ("accessreviews", "rulesreviews", "reviews")),
        *((verb, "clustertrustbundles") for verb in ("get", "list", "watch")),
    }
)
"""What Kubernetes grants every ServiceAccount: to ask who it is and what it may do, and the cluster's authorities."""

REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
type Resources = Mapping[str, tuple[str, str]]
"""Group and name of each resource, subresource included; those of a later group that has it, too, as `NAME.GROUP`."""


def test_serving_all_namespaces_takes_one_cluster_role(helm: Helm) -> None:
    documents = helm.template()

    assert granted(documents, "ClusterRole") == SERVING | IDENTITY
    assert granted(every(documents, "Role"), "Role") == LEASE | RIVALS


def test_serving_named_namespaces_takes_a_role_in_each_and_nothing_in_the_cluster(helm: Helm) -> None:
    documents = helm.template(*NAMED)

    roles = {role["metadata"]["namespace"]: granted([role], "Role") for role in every(documents, "Role")}
    assert roles == {"herder-system": LEASE | RIVALS, "a": SERVING, "b": SERVING}
    assert [each["kind"] for each in documents if each["kind"].startswith("Cluster")] == []


def test_an_installation_that_is_named_need_not_be_read(helm: Helm) -> None:
    assert granted(helm.template("installation=here"), "ClusterRole") == SERVING


def test_leading_takes_one_lease_by_its_name(helm: Helm) -> None:
    [role] = every(helm.template("leaderElection.leaseName=mine"), "Role")

    assert role["metadata"]["namespace"] == "herder-system"
    assert granted([role], "Role") == LEASE | RIVALS
    assert [rule.get("resourceNames") for rule in role["rules"]] == [None, ["mine"], None]


def test_without_leader_election_no_lease_is_touched_and_no_pod(helm: Helm) -> None:
    assert every(helm.template("leaderElection.enabled=false"), "Role") == []


def test_secure_metrics_take_two_reviews_in_the_cluster_and_offer_a_role_to_those_who_may_read(helm: Helm) -> None:
    documents = helm.template("metrics.enabled=true", "metrics.secure=true", *NAMED)

    reviewing, reading = every(documents, "ClusterRole")
    assert granted([reviewing], "ClusterRole") == REVIEWS
    assert reading["rules"] == [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    assert {each["roleRef"]["name"] for each in every(documents, "ClusterRoleBinding")} == {
        reviewing["metadata"]["name"]
    }


def test_secrets_can_be_narrowed_down_to_names(helm: Helm) -> None:
    documents = helm.template("secretNames={gateway-key,worker-key}")

    [rule] = [rule for each in documents for rule in each.get("rules", ()) if rule["resources"] == ["secrets"]]
    assert rule["resourceNames"] == ["gateway-key", "worker-key"]


@pytest.fixture
def resources(control_plane: Cluster) -> Resources:
    """Every resource that the API server has."""
    groups = (control_plane.get("/apis") or {})["groups"]
    versions = [f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"]]
    found: dict[str, tuple[str, str]] = {}
    for path in ("/api/v1", *versions):
        group = path.split("/")[2] if path.startswith("/apis/") else ""
        for each in (control_plane.get(path) or {})["resources"]:
            is_other = found.get(each["name"], (group, ""))[0] != group
            found[f"{each['name']}.{group}" if is_other else each["name"]] = (group, each["name"])
    return found


class Account:
    """What a ServiceAccount of the cluster may do, by its own question."""

    def __init__(self, cluster: Cluster, namespace: str, resources: Resources) -> None:
        token = cluster.kubectl("create", "token", "herder", "--namespace", namespace).stdout.strip()
        self._api = ApiClient(cluster.server, token, cluster.ca_file)
        self._resources = resources

    def may(self, grant: Grant, namespace: str, name: str = "") -> bool:
        """Whether one verb is allowed, in a namespace, or in the cluster as a whole where that is empty."""
        verb, resource = grant
        group, asked = self._resources.get(resource, ("*", resource))
        kind, _, subresource = asked.partition("/")
        attributes = {"verb": verb, "group": group, "resource": kind, "subresource": subresource}
        spec = {"resourceAttributes": {**attributes, "namespace": namespace, "name": name}}
        answer = self._api.call("POST", REVIEW, {"kind": "SelfSubjectAccessReview", "spec": spec})
        return bool(answer["status"]["allowed"])

    def wait_until_may(self, *grants: Grant, namespace: str, name: str = "") -> None:
        """Block until verbs are allowed: a role counts a moment after it was written."""
        for grant in grants:
            asyncio.run(eventually(partial(self.may, grant, namespace, name)))

    def all_of(self, grants: Iterable[Grant], namespace: str) -> frozenset[Grant]:
        """Which of these are allowed."""
        asked = list(grants)
        with ThreadPoolExecutor(4) as pool:
            allowed = pool.map(lambda grant: self.may(grant, namespace), asked)
            return frozenset(grant for grant, is_allowed in zip(asked, allowed, strict=True) if is_allowed)


@pytest.mark.parametrize(
    ("values", "elsewhere"),
    [
        pytest.param((), SERVING, id="all namespaces"),
        pytest.param(("watchNamespaces={NAMESPACE}", "installation=here"), frozenset(), id="a named namespace"),
    ],
)
def test_of_all_verbs_of_all_resources_the_api_server_allows_what_the_table_says(
    control_plane: Cluster,
    helm: Helm,
    namespace: str,
    resources: Resources,
    values: tuple[str, ...],
    elsewhere: frozenset[Grant],
) -> None:
    grants = {*((verb, resource) for resource in resources for verb in VERBS), *SPECIAL}
    words = (value.replace("NAMESPACE", namespace) for value in values)

    with helm.installed("herder", namespace, *words):
        account = Account(control_plane, namespace, resources)
        account.wait_until_may(("patch", "leases"), ("patch", "tokenizers"), namespace=namespace, name="herder")
        here, there, cluster = (account.all_of(grants, place) for place in (namespace, "default", ""))

        assert here - EVERYBODY == SERVING | RIVALS | {("create", "leases")}
        assert there - EVERYBODY == elsewhere
        assert cluster - EVERYBODY == elsewhere
        assert account.may(("get", "namespaces"), "", "kube-system") is not bool(values)
        assert [account.may((verb, "leases"), namespace, "herder") for verb in ("get", "patch", "delete")] == [
            True,
            True,
            False,
        ]
        assert not account.may(("get", "leases"), namespace, "other")


def test_a_secret_that_is_not_named_may_not_be_read(
    control_plane: Cluster, helm: Helm, namespace: str, resources: Resources
) -> None:
    with helm.installed("herder", namespace, f"watchNamespaces={{{namespace}}}", "secretNames={gateway-key}"):
        account = Account(control_plane, namespace, resources)
        account.wait_until_may(("get", "secrets"), namespace=namespace, name="gateway-key")

        allowed = {name: account.may(("get", "secrets"), namespace, name) for name in ("gateway-key", "other", "")}

    assert allowed == {"gateway-key": True, "other": False, "": False}
