"""The chart's admission policies, installed: what the real API server refuses by them, and what it still lets pass."""

import asyncio
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from herder.api.meta import (
    API_VERSION,
    FINALIZER,
    MCP_SERVER,
    MODEL_GATEWAY,
    TOKENIZER,
    WASM_MODULE,
    WORKER_REGISTRATION,
)
from real.packaging.chart import CHART, Helm, only
from rig.control_plane.api_client import ApiError
from rig.control_plane.cluster import Cluster
from rig.waiting import eventually
from unit.api.manifests import MODULE, SERVER, TOKENS, WORKER, Case, as_params

GUIDE = CHART.parents[1] / "docs" / "gitops.md"
HOSTS = "{10.0.0.0/8,fd00::/16,w.example,*.models.example,192.0.2.1}"
VALUES = (
    *(f"admissionPolicies.allowedHosts.{what}={HOSTS}" for what in ("workers", "mcpServers", "gateways")),
    "admissionPolicies.forbidOrphan=true",
    "admissionPolicies.requireSha256=true",
)
POLICIES = {"worker-hosts", "mcp-server-hosts", "gateway-hosts", "no-orphans", "pinned-modules"}
PINNED = {**MODULE, "sha256": "0f" * 32}


def worker(name: str, url: str, says: str = "") -> Case:
    """A worker at a URL."""
    return Case(name, WORKER_REGISTRATION, {**WORKER, "url": url}, says=says)


ALLOWED = (
    worker("an address of a network", "http://10.1.2.3:8000"),
    worker("an address by itself", "grpc://192.0.2.1:9000"),
    worker("an address of an ipv6 network", "http://[fd00::7]:8000"),
    worker("a name", "https://w.example/w"),
    worker("a name in upper case", "HTTPS://W.Example"),
    worker("a name below a domain", "http://a.b.models.example"),
    Case("a server", MCP_SERVER, SERVER),
    Case("a gateway", MODEL_GATEWAY, {"endpoints": ["http://10.0.0.1:1", "http://w.example"]}),
    Case("a gateway by service", MODEL_GATEWAY, {"service": {"name": "shepherd", "port": 80}}),
    Case("a tokenizer", TOKENIZER, TOKENS),
    Case("a pinned module", WASM_MODULE, PINNED),
)
_WORKER_HOST = "spec.url: {} is not allowed here; allowed are 10.0.0.0/8, fd00::/16, w.example"
_ORPHAN = "spec.deletionPolicy: Orphan is not allowed here; write Deregister"
ORPHAN = {"deletionPolicy": "Orphan"}
REFUSED = (
    worker("another address", "http://192.0.2.2:8000", _WORKER_HOST.format("192.0.2.2")),
    worker("another name", "http://evil.example", _WORKER_HOST.format("evil.example")),
    worker("a name that only ends so", "http://evilmodels.example", "evilmodels.example is not allowed"),
    worker("the domain itself", "http://models.example", "models.example is not allowed"),
    worker("a name that begins like an address", "http://10.0.0.1.evil.example", "evil.example is not allowed"),
    worker("an address as one number", "http://167772161", "167772161 is not allowed"),
    worker("an address in octal", "http://010.0.0.1", "010.0.0.1 is not allowed"),
    worker("an address within ipv6", "http://[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1 is not allowed"),
    worker("an allowed name in the path", "http://evil.example/@w.example", "evil.example is not allowed"),
    Case(
        "a server elsewhere",
        MCP_SERVER,
        {**SERVER, "transport": {"url": "https://evil.example/mcp"}},
        says="spec.transport.url: evil.example is not allowed here",
    ),
    Case(
        "a gateway half elsewhere",
        MODEL_GATEWAY,
        {"endpoints": ["http://10.0.0.1:1", "http://evil.example"]},
        says="spec.endpoints: evil.example is not allowed here",
    ),
    Case("a module without hash", WASM_MODULE, MODULE, says="spec.sha256: write the SHA-256 of the module's file"),
    Case("an orphaned worker", WORKER_REGISTRATION, {**WORKER, **ORPHAN}, says=_ORPHAN),
    Case("an orphaned module", WASM_MODULE, {**PINNED, **ORPHAN}, says=_ORPHAN),
    Case("an orphaned server", MCP_SERVER, {**SERVER, **ORPHAN}, says=_ORPHAN),
    Case("an orphaned tokenizer", TOKENIZER, {**TOKENS, **ORPHAN}, says=_ORPHAN),
)
FORMER = (
    Case("old", WORKER_REGISTRATION, {**WORKER, "url": "http://evil.example", **ORPHAN}),
    Case("old", MCP_SERVER, {**SERVER, "transport": {"url": "http://evil.example"}}),
    Case("old", MODEL_GATEWAY, {"endpoints": ["http://evil.example"]}),
    Case("old", WASM_MODULE, MODULE),
)
"""What was there before the policies."""


def _path(team: str, case: Case) -> str:
    return f"/apis/{API_VERSION}/namespaces/{team}/{case.kind.plural}/{case.object_name}"


def _dry_run(cluster: Cluster, team: str, cases: Iterable[Case]) -> str:
    documents = "\n---\n".join(json.dumps(case.manifest(team)) for case in cases)
    done = cluster.kubectl("apply", "--dry-run=server", "-f", "-", input=documents, check=False)
    return done.stdout + done.stderr


def _denied(said: str) -> set[str]:
    return set(re.findall(r"ValidatingAdmissionPolicy '([a-z-]+)\.", said))


@pytest.fixture(scope="module")
def team(control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A namespace with some resources, in which the policies are then at work."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    for case in FORMER:
        control_plane.apply(_path(name, case), case.manifest(name))
    helm = Helm(control_plane, tmp_path_factory.mktemp("helm"))
    with helm.installed("herder", name, f"watchNamespaces={{{name}}}", *VALUES):
        asyncio.run(eventually(lambda: _denied(_dry_run(control_plane, name, REFUSED)) == POLICIES, timeout_s=60))
        yield name
    control_plane.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="module")
def verdicts(control_plane: Cluster, team: str) -> Mapping[str, str]:
    """What the API server says of each refused manifest, by the resource's name; asked in one call, to be fast."""
    said = _dry_run(control_plane, team, REFUSED)
    return {found["name"]: found["why"] for found in re.finditer(r'"(?P<name>[^" ]+)" is forbidden: (?P<why>.*)', said)}


@pytest.mark.parametrize("case", as_params(REFUSED))
def test_what_is_not_allowed_is_refused_with_what_to_write_instead(case: Case, verdicts: Mapping[str, str]) -> None:
    assert case.says in verdicts[case.object_name]


def test_what_is_allowed_is_taken(control_plane: Cluster, team: str) -> None:
    said = _dry_run(control_plane, team, ALLOWED)

    assert [line for line in said.splitlines() if "created (server dry run)" not in line] == []
    assert len(said.splitlines()) == len(ALLOWED)


def test_another_namespace_is_not_judged(control_plane: Cluster, team: str, namespace: str) -> None:
    said = _dry_run(control_plane, namespace, REFUSED)

    assert _denied(said) == set()
    assert len(said.splitlines()) == len(REFUSED)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.kind.kind) for case in FORMER])
def test_what_was_there_before_may_be_changed_elsewhere_and_go(control_plane: Cluster, team: str, case: Case) -> None:
    path = _path(team, case)
    held = {"metadata": {"finalizers": [FINALIZER], "annotations": {"a": "b"}}}

    control_plane.merge_patch(path, held)
    control_plane.delete(path)
    control_plane.merge_patch(path, {"metadata": {"finalizers": None}})

    assert control_plane.get(path) is None


@pytest.mark.parametrize(
    ("case", "change", "says"),
    [
        pytest.param(
            worker("moved", "http://10.0.0.1"), {"url": "http://evil.example"}, "evil.example is not", id="a host"
        ),
        pytest.param(worker("left", "http://10.0.0.1"), ORPHAN, _ORPHAN, id="an orphan"),
        pytest.param(Case("bare", WASM_MODULE, PINNED), {"sha256": None}, "write the SHA-256", id="no hash"),
    ],
)
def test_what_is_changed_into_what_is_not_allowed_is_refused(
    control_plane: Cluster, team: str, case: Case, change: Mapping[str, Any], says: str
) -> None:
    control_plane.apply(_path(team, case), case.manifest(team))

    with pytest.raises(ApiError, match=re.escape(says)):
        control_plane.merge_patch(_path(team, case), {"spec": change})


def test_there_is_no_policy_unless_it_is_asked_for(helm: Helm) -> None:
    assert [each for each in helm.template() if each["kind"].startswith("Validating")] == []


def test_the_values_that_are_shown_as_an_example_are_taken(helm: Helm, tmp_path: Path) -> None:
    [example] = re.findall(r"^(admissionPolicies:.*?)^END$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "policies.yaml").write_text(example)

    text = helm.run("template", "herder", str(CHART), "--values", str(tmp_path / "policies.yaml"))

    assert text.count("kind: ValidatingAdmissionPolicy\n") == len(POLICIES)


def test_in_all_namespaces_all_resources_are_judged(helm: Helm) -> None:
    documents = helm.template("admissionPolicies.forbidOrphan=true", "admissionPolicies.actions={Warn,Audit}")

    binding = only(documents, "ValidatingAdmissionPolicyBinding")
    assert "matchResources" not in binding["spec"]
    assert binding["spec"]["validationActions"] == ["Warn", "Audit"]
