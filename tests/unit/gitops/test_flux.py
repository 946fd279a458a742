"""What Flux makes of herder's kinds: the health check expressions, evaluated by a real CEL."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from herder.api.meta import API_VERSION
from unit.gitops.states import KINDS, State, as_params, states
from unit.gitops.verdicts import evaluate, flux
from unit.packaging.dockerfile import ROOT

SPEC: Mapping[str, Any] = yaml.safe_load((ROOT / "gitops" / "flux" / "kustomization.yaml").read_text())["spec"]
CHECKS: Mapping[str, Mapping[str, str]] = {each["kind"]: each for each in SPEC["healthCheckExprs"]}
VERDICTS = {"Healthy": "Current", "Degraded": "Failed", "Progressing": "InProgress", "Suspended": "InProgress"}


def test_every_kind_has_its_expressions_and_is_waited_for() -> None:
    assert set(CHECKS) == {kind.kind for kind in KINDS}
    assert {each["apiVersion"] for each in CHECKS.values()} == {API_VERSION}
    assert SPEC["wait"] is True


@pytest.mark.parametrize("state", as_params(states()))
def test_flux_judges_each_state_as_argo_cd_does(state: State) -> None:
    assert flux(CHECKS[state.kind], state.body) == VERDICTS[state.argo]


@pytest.mark.parametrize("state", as_params([state for state in states() if "status" in state.body]))
def test_no_expression_stumbles_over_a_status(state: State) -> None:
    is_current = state.body["status"].get("conditions") is not None
    fields = ("inProgress", "failed", "current") if is_current else ("inProgress",)

    answers = [evaluate(CHECKS[state.kind][field], state.body) for field in fields]

    assert None not in answers


def test_without_a_status_flux_waits() -> None:
    [new] = [state for state in states() if (state.kind, state.name) == ("Tokenizer", "new")]

    assert evaluate(CHECKS["Tokenizer"]["inProgress"], new.body) is None
