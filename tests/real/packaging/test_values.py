"""Values that the chart does not take: each is refused by the name of its field, before anything is rendered."""

import pytest

from real.packaging.chart import CHART, Helm, HelmError

REFUSED: dict[str, tuple[str, str]] = {
    "a word that the chart does not know": ("replica=2", "replica"),
    "a word that it had once": ('namespaces=["a"]', "namespaces"),
    "a word of an image that it does not know": ('image.registry="r"', "registry"),
    "no image": ('image.repository=""', "repository"),
    "a tag for a digest": ('image.digest="latest"', "digest"),
    "a policy that there is not": ('image.pullPolicy="Sometimes"', "pullPolicy"),
    "a pull secret by its name alone": ('imagePullSecrets=["registry"]', "imagePullSecrets"),
    "a word for CRDs that it does not know": ("crds.keep=true", "keep"),
    "a text for a switch": ('crds.install="no"', "install"),
    "a pattern for a namespace": ('watchNamespaces=["team-*"]', "watchNamespaces"),
    "one namespace twice": ('watchNamespaces=["a","a"]', "watchNamespaces"),
    "a namespace by itself": ('watchNamespaces="a"', "watchNamespaces"),
    "an installation that would end the part of a label": ('installation="a/b"', "installation"),
    "a Secret with its namespace": ('secretNames=["a/b"]', "secretNames"),
    "a text for a rule on Secrets": ('requireBoundKeys="yes"', "requireBoundKeys"),
    "no replica": ("replicas=0", "replicas"),
    "two replicas that do not agree on who works": ("replicas=2,leaderElection.enabled=false", "replicas"),
    "a word of leader election that it does not know": ("leaderElection.leaseSeconds=3", "leaseSeconds"),
    "a lease for no time": ("leaderElection.leaseDurationSeconds=0", "leaseDurationSeconds"),
    "a word of a budget that it does not know": ("podDisruptionBudget.minAvailable=1", "minAvailable"),
    "a level that herder does not know": ('logLevel="loud"', "logLevel"),
    "a number out of range": ("maxRuns=0", "maxRuns"),
    "a number as a text": ('maxRuns="32"', "maxRuns"),
    "a flag without its dashes": ('extraArgs=["max-runs=7"]', "extraArgs"),
    "a variable without a value": ('extraEnv=[{"name":"A"}]', "extraEnv"),
    "a variable with a value and a source": (
        'extraEnv=[{"name":"A","value":"b","valueFrom":{"fieldRef":{"fieldPath":"x"}}}]',
        "extraEnv",
    ),
    "a variable from a file": ('extraEnv=[{"name":"A","valueFrom":{"fileKeyRef":{"path":"x"}}}]', "extraEnv"),
    "metrics that are scraped twice": (
        'metrics={"enabled":true,"serviceMonitor":{"enabled":true},"podMonitor":{"enabled":true}}',
        "podMonitor",
    ),
    "a monitor that can't send a token": (
        'metrics={"enabled":true,"secure":true,"podMonitor":{"enabled":true}}',
        "podMonitor",
    ),
    "a monitor's word that it does not know": ('metrics.serviceMonitor.scrapeTimeout="1s"', "scrapeTimeout"),
    "an interval without a unit": ('metrics.serviceMonitor.interval="30"', "interval"),
    "a label that is a number": ("metrics.dashboard.labels.x=1", "x"),
    "a peer that is a text": ('networkPolicy.metricsFrom=["prometheus"]', "metricsFrom"),
    "a peer with a word that peers don't have": (
        'networkPolicy.metricsFrom=[{"serviceSelector":{}}]',
        "serviceSelector",
    ),
    "a peer that would be everybody": ("networkPolicy.metricsFrom=[{}]", "metricsFrom"),
    "a rule that would be everything": ("networkPolicy.peers=[{}]", "peers"),
    "an address without a prefix": ('networkPolicy.apiServer.cidrs=["10.0.0.1"]', "cidrs"),
    "no port of the API server": ("networkPolicy.apiServer.ports=[]", "ports"),
    "a port that there is not": ("networkPolicy.apiServer.ports=[70000]", "ports"),
    "a url for a host": ('admissionPolicies.allowedHosts.workers=["http://a"]', "workers"),
    "a pattern of another kind for a host": ('admissionPolicies.allowedHosts.workers=["a.*"]', "workers"),
    "a host in upper case": ('admissionPolicies.allowedHosts.workers=["A.example"]', "workers"),
    "a host that is CEL": ("admissionPolicies.allowedHosts.workers=[\"a' || 'a\"]", "workers"),
    "actions that exclude each other": ('admissionPolicies.actions=["Deny","Warn"]', "actions"),
    "no action": ("admissionPolicies.actions=[]", "actions"),
    "a rule that there is not": ("admissionPolicies.forbidOrphans=true", "forbidOrphans"),
    "an account that exists, unnamed": ("serviceAccount.create=false", "name"),
    "a word of an account that it does not know": ("serviceAccount.automount=true", "automount"),
    "a resource's limit that is no quantity": ('resources.limits.memory="much"', "memory"),
    "a word of resources that pods don't have": ('resources.request={"cpu":"1"}', "request"),
    "less time to stop than herder takes": ("terminationGracePeriodSeconds=10", "terminationGracePeriodSeconds"),
    "an annotation that is a number": ("podAnnotations.x=1", "x"),
    "a toleration with a word that they don't have": ('tolerations=[{"efect":"NoSchedule"}]', "efect"),
    "an affinity that there is not": ("affinity.nodeaffinity={}", "nodeaffinity"),
    "an affinity without a topology": (
        'affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution=[{"labelSelector":{}}]',
        "topologyKey",
    ),
    "an expression with an operator that there is not": (
        "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms="
        '[{"matchExpressions":[{"key":"a","operator":"Is"}]}]',
        "operator",
    ),
    "a spread without a skew": (
        'topologySpreadConstraints=[{"topologyKey":"a","whenUnsatisfiable":"DoNotSchedule"}]',
        "maxSkew",
    ),
}


@pytest.mark.parametrize(("value", "field"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_value_is_refused_by_its_name(helm: Helm, value: str, field: str) -> None:
    with pytest.raises(HelmError, match=f"(?s)values don't meet the specifications.*{field}"):
        helm.run("template", "herder", str(CHART), "--set-json", value)


def test_a_value_that_is_taken_away_is_missed(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"(?s)values don't meet the specifications.*logLevel"):
        helm.run("template", "herder", str(CHART), "--set", "logLevel=null")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("leaderElection.leaseDurationSeconds=5", "must be more than renewDeadlineSeconds", id="lease"),
        pytest.param("leaderElection.renewDeadlineSeconds=2", "1.2 times retryPeriodSeconds", id="deadline"),
    ],
)
def test_times_that_herder_would_not_start_with_are_refused_with_what_they_must_be(
    helm: Helm, value: str, message: str
) -> None:
    with pytest.raises(HelmError, match=message):
        helm.run("template", "herder", str(CHART), "--set", value)


@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
def test_a_monitor_of_metrics_that_nobody_serves_is_refused_with_both_values_and_what_to_do(
    helm: Helm, monitor: str
) -> None:
    name = f"metrics.{monitor}.enabled"

    with pytest.raises(HelmError, match=f"{name} is true and metrics.enabled is not.*set metrics.enabled to true"):
        helm.run("template", "herder", str(CHART), "--set", f"{name}=true")
