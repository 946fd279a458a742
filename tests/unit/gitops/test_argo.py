"""What Argo CD shows of herder's kinds, and lets people do about them: its scripts, run by a real Lua."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaError

from herder.api.base import parse
from herder.api.gateway import ModelGatewaySpec
from herder.api.meta import RETRY_ANNOTATION, WORKER_REGISTRATION, Kind
from unit.api.manifests import MODELS
from unit.gitops.argo import run
from unit.gitops.states import KINDS, SERVED, State, as_params, gateway, served, states
from unit.gitops.verdicts import kstatus
from unit.packaging.dockerfile import ROOT

FOLDER = ROOT / "gitops" / "argocd"
CONFIG: Mapping[str, str] = yaml.safe_load((FOLDER / "argocd-cm.yaml").read_text())["data"]
KSTATUS = {
    "Healthy": {"Current"},
    "Degraded": {"Failed"},
    "Progressing": {"InProgress", "Terminating"},
    "Suspended": {"InProgress"},
}
COUNTS = {"Healthy": "Ready", "Suspended": "Ready", "Degraded": "Stalled"}
every_state = pytest.mark.parametrize("state", as_params(states()))
every_served_kind = pytest.mark.parametrize("kind", SERVED, ids=lambda kind: kind.kind)


def health(body: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = run(CONFIG[f"resource.customizations.health.herder.dev_{body['kind']}"], body)
    return found


def actions_of(body: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CONFIG[f"resource.customizations.actions.herder.dev_{body['kind']}"])
    return found


def enabled(body: Mapping[str, Any]) -> set[str]:
    """The actions that Argo CD offers."""
    found = run(actions_of(body)["discovery.lua"], body)
    assert all(action["displayName"] and action["iconClass"] for action in found.values())
    assert found.keys() == {each["name"] for each in actions_of(body)["definitions"]}
    return {name for name, action in found.items() if not action["disabled"]}


def acted(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The object as an action leaves it."""
    [script] = [each["action.lua"] for each in actions_of(body)["definitions"] if each["name"] == name]
    found: dict[str, Any] = run(script, body)
    return found


def test_the_config_map_is_rendered_from_the_scripts() -> None:
    done = subprocess.run([sys.executable, FOLDER / "render.py"], capture_output=True, text=True, check=True)

    assert done.stdout == (FOLDER / "argocd-cm.yaml").read_text()
    assert {key.rpartition("_")[2] for key in CONFIG} == {kind.kind for kind in KINDS}


@every_state
def test_each_state_has_its_health(state: State) -> None:
    found = health(state.body)

    assert found["status"] == state.argo
    assert found["message"]


@every_state
def test_it_agrees_with_kstatus_but_for_what_has_no_status_about_this_generation_yet(state: State) -> None:
    lies_from_birth = {"new", "nothing said yet", "changed in part", "of no generation"}

    found = health(state.body)["status"]

    assert (kstatus(state.body) in KSTATUS[found]) is (state.name not in lies_from_birth)


@pytest.mark.parametrize("state", as_params([each for each in states() if each.argo in COUNTS]))
def test_its_message_is_that_of_the_condition_that_counts(state: State) -> None:
    messages = {each["type"]: each["message"] for each in state.body["status"]["conditions"]}

    assert health(state.body)["message"] == messages[COUNTS[state.argo]]


def test_a_script_that_asked_for_more_than_argo_cd_gives_would_be_noticed() -> None:
    with pytest.raises(LuaError, match="string"):
        run("return string.format('%d', 1)", {})
    with pytest.raises(LuaError):
        run("return ('x'):rep(2)", {})


@every_served_kind
@pytest.mark.parametrize(
    ("state", "offered"),
    [
        pytest.param("new", {"retry", "suspend"}, id="new"),
        pytest.param("ready", {"retry", "suspend"}, id="ready"),
        pytest.param("failed", {"retry", "suspend"}, id="failed"),
        pytest.param("cancelled", {"retry", "suspend"}, id="cancelled"),
        pytest.param("sick", {"retry", "suspend"}, id="sick"),
        pytest.param("retried", {"suspend"}, id="a run is on"),
        pytest.param("observed", {"suspend"}, id="the gateway is only observed"),
        pytest.param("suspended", {"resume"}, id="suspended"),
        pytest.param("going", set(), id="deleted"),
        pytest.param("going unnoticed", set(), id="just deleted"),
    ],
)
def test_what_makes_no_sense_is_not_offered(kind: Kind, state: str, offered: set[str]) -> None:
    assert enabled(served(kind, state)) == offered


@every_served_kind
def test_retry_sets_a_token_of_this_moment_and_nothing_else(kind: Kind) -> None:
    before = served(kind, "failed")
    before["metadata"]["annotations"] = {"team": "a", RETRY_ANNOTATION: "2026-01-01T00:00:00Z"}
    begun = datetime.now(UTC).replace(microsecond=0)

    after = acted("retry", before)

    token = after["metadata"]["annotations"].pop(RETRY_ANNOTATION)
    assert begun <= datetime.fromisoformat(token) <= datetime.now(UTC)
    assert after["metadata"]["annotations"] == {"team": "a"}
    assert after["spec"] == before["spec"]


def test_retry_needs_no_annotation_before_it() -> None:
    after = acted("retry", served(WORKER_REGISTRATION, "failed"))

    assert list(after["metadata"]["annotations"]) == [RETRY_ANNOTATION]


@every_served_kind
def test_suspend_and_resume_change_only_what_they_say(kind: Kind) -> None:
    before = served(kind, "ready")

    suspended = acted("suspend", before)
    resumed = acted("resume", suspended)

    assert suspended["spec"] == {**before["spec"], "suspend": True}
    assert json.dumps(resumed["spec"], sort_keys=True) == json.dumps(before["spec"], sort_keys=True)
    assert parse(MODELS[kind], suspended["spec"]).dump()["suspend"] is True


@pytest.mark.parametrize(
    ("mode", "offered", "becomes"),
    [
        pytest.param("Enforce", "suspend", "Observe", id="at work"),
        pytest.param("Observe", "resume", "Enforce", id="not"),
    ],
)
def test_a_gateway_is_suspended_by_its_mode(mode: str, offered: str, becomes: str) -> None:
    before = gateway("ready")
    before["spec"]["mode"] = mode

    assert enabled(before) == {offered}
    assert parse(ModelGatewaySpec, acted(offered, before)["spec"]).mode == becomes


def test_a_gateway_that_goes_offers_nothing() -> None:
    assert enabled(gateway("going")) == set()
