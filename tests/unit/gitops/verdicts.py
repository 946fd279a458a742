"""How others judge an object: kstatus' rules, and Flux's with health check expressions. Both ported, to check against.

Sources: kubernetes-sigs/cli-utils, pkg/kstatus/status; fluxcd/pkg, runtime/cel/status_evaluator.go.
"""

from collections.abc import Mapping
from typing import Any, Final

from cel_expr_python import cel

IN_PROGRESS: Final = "InProgress"
TERMINATING: Final = "Terminating"
_ENV: Final = cel.NewEnv()


def kstatus(body: Mapping[str, Any]) -> str:
    """What kstatus calls an object without rules of its own for it."""
    metadata, status = body["metadata"], body.get("status", {})
    said = {each["type"]: each["status"] for each in status.get("conditions", ())}
    if "deletionTimestamp" in metadata:
        return TERMINATING
    if status.get("observedGeneration", metadata["generation"]) != metadata["generation"]:
        return IN_PROGRESS
    if said.get("Reconciling") == "True":
        return IN_PROGRESS
    if said.get("Stalled") == "True":
        return "Failed"
    return "Current" if said.get("Ready", "True") == "True" else IN_PROGRESS


def flux(checks: Mapping[str, str], body: Mapping[str, Any]) -> str:
    """What Flux calls an object under an item of healthCheckExprs. It waits where an expression can't be evaluated."""
    observed = body.get("status", {}).get("observedGeneration")
    if observed is not None and observed != body["metadata"]["generation"]:
        return IN_PROGRESS
    for field, verdict in (("inProgress", IN_PROGRESS), ("failed", "Failed"), ("current", "Current")):
        holds = evaluate(checks[field], body)
        if holds is None:
            return IN_PROGRESS
        if holds:
            return verdict
    return IN_PROGRESS


def evaluate(expression: str, body: Mapping[str, Any]) -> bool | None:
    """Whether a CEL expression holds of an object, whose fields are its variables; None where it is no answer."""
    answer = _ENV.compile(expression, disable_check=True).eval(data=body)
    return bool(answer.value()) if answer.type() == cel.Type.BOOL else None
