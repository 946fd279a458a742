"""What the conditions say in each situation, and the rules that readers of a status rely on."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from herder.api.conditions import Claim, ConditionType, ReadyReason, Truth, merge, ready
from herder.api.status import EntryState, Step, StepStatus
from herder.controller.listing.observation import Observation
from herder.controller.status import claims, of_lists, of_runs, phrases
from herder.controller.status.claims import Claims
from herder.controller.status.of_runs import PASSES_WITH_GATEWAY
from herder.gateway import errors as gateway
from herder.workflows.entry import Entry
from herder.workflows.errors import Problem, problem_of
from rig.kstatus import check

NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
E1, E2 = "http://replica-1", "http://replica-2"


def seen(states: dict[str, EntryState], lacking: Iterable[str] = (), away: Iterable[str] = ()) -> Observation:
    entries = {endpoint: Entry(state, verified_at=NOW) for endpoint, state in states.items()}
    return Observation(entries, frozenset(lacking), frozenset(away))


def step(status: StepStatus, message: str | None = None, next_retry_at: datetime | None = None) -> Step:
    return Step(name="register", status=status, attempts=3, message=message, next_retry_at=next_retry_at)


READY, UNREACHABLE = EntryState.READY, EntryState.UNREACHABLE
RETRIED = step(StepStatus.RETRYING, "it hangs", NOW + timedelta(seconds=5))

SITUATIONS: dict[str, tuple[Claims, str]] = {
    "registered": (
        of_lists.settled(seen({E1: READY, E2: READY})),
        "Ready=True Registered: registered on 2/2 replicas",
    ),
    "no replicas": (
        of_lists.settled(seen({})),
        "Ready=False NoReplicas: the gateway has no replica: add one to its endpoints",
    ),
    "a replica is away": (
        of_lists.settled(seen({E1: READY, E2: UNREACHABLE}, away=[E2])),
        "Ready=Unknown GatewayUnreachable: registered on 1/2 replicas; no answer from http://replica-2, which gets it "
        "when it is back | Reconciling=True ProgressingWithRetry",
    ),
    "missing on one": (
        of_lists.settled(seen({E1: READY, E2: EntryState.ABSENT}, lacking=[E2])),
        "Ready=False Registering: registered on 1/2 replicas; missing on http://replica-2 | "
        "Reconciling=True Progressing",
    ),
    "a replica is away, only observed": (
        of_lists.settled(seen({E1: EntryState.ABSENT, E2: UNREACHABLE}, lacking=[E1], away=[E2]), observe_only=True),
        "Ready=Unknown GatewayUnreachable: registered on 0/2 replicas; no answer from http://replica-2; with mode "
        "Observe nothing is changed, but with spec.mode: Enforce of the ModelGateway it would be: registered on "
        "http://replica-1 | "
        "Reconciling=True ProgressingWithRetry",
    ),
    "a replica is away, only observed, and nothing is lacking": (
        of_lists.settled(seen({E1: READY, E2: UNREACHABLE}, away=[E2]), observe_only=True),
        "Ready=Unknown GatewayUnreachable: registered on 1/2 replicas; no answer from http://replica-2; with mode "
        "Observe nothing is changed | Reconciling=True ProgressingWithRetry",
    ),
    "missing, only observed, and there as it was before": (
        of_lists.settled(seen({E1: EntryState.ABSENT}, lacking=[E1]), observe_only=True, beside="; and so on"),
        "Ready=False Observed: registered as declared on 0/1 replicas; with mode Observe nothing is changed, but with "
        "spec.mode: Enforce of the ModelGateway it would be: registered on http://replica-1; and so on",
    ),
    "missing, only observed": (
        of_lists.settled(seen({E1: READY, E2: EntryState.ABSENT}, lacking=[E2]), observe_only=True),
        "Ready=False Observed: registered as declared on 1/2 replicas; with mode Observe nothing is changed, but with "
        "spec.mode: Enforce of the ModelGateway it would be: registered on http://replica-2",
    ),
    "there otherwise than declared, only observed": (
        of_lists.settled(seen({E1: READY, E2: EntryState.FOREIGN}, lacking=[E1, E2]), observe_only=True),
        "Ready=False Observed: registered as declared on 0/2 replicas, listed otherwise on 2; with mode Observe "
        "nothing is changed, but with spec.mode: Enforce of the ModelGateway it would be: registered on "
        "http://replica-1; refused on http://replica-2, which "
        "list it for somebody else",
    ),
    "there, only observed": (
        of_lists.settled(seen({E1: READY}), observe_only=True),
        "Ready=True Registered: registered on 1/1 replicas",
    ),
    "sick": (
        of_lists.settled(seen({E1: READY, E2: EntryState.NOT_READY})),
        "Ready=False WorkerNotReady: registered on 2/2 replicas; the health checks of http://replica-2 fail: "
        "look after the worker",
    ),
    "many are away": (
        of_lists.settled(
            seen({f"http://r{n}": UNREACHABLE for n in range(5)}, away=[f"http://r{n}" for n in range(5)])
        ),
        "Ready=Unknown GatewayUnreachable: registered on 0/5 replicas; no answer from http://r0, http://r1, http://r2 "
        "and 2 more, which gets it when it is back | Reconciling=True ProgressingWithRetry",
    ),
    "about to run": (
        of_runs.running([step(StepStatus.PENDING)], is_removal=False),
        "Ready=False Registering: the registration begins | Reconciling=True Progressing",
    ),
    "running": (
        of_runs.running([step(StepStatus.RUNNING)], is_removal=False),
        "Ready=False Registering: step register is running | Reconciling=True Progressing",
    ),
    "retried": (
        of_runs.running([step(StepStatus.RUNNING), RETRIED], is_removal=False),
        "Ready=False Registering: step register is retried (attempt 3 failed, next attempt at 12:00:05Z): it hangs | "
        "Reconciling=True ProgressingWithRetry",
    ),
    "retried, and something can be done about it": (
        of_runs.running([RETRIED.model_copy(update={"reason": "WorkerUnreachable"})], is_removal=False),
        "Ready=False Registering: step register is retried (attempt 3 failed, next attempt at 12:00:05Z): it hangs; "
        "if that goes on, correct spec.url or start the worker | Reconciling=True ProgressingWithRetry",
    ),
    "a retry under way": (
        of_runs.running(
            [RETRIED.model_copy(update={"status": StepStatus.RUNNING, "next_retry_at": None})], is_removal=False
        ),
        "Ready=False Registering: step register is retried (attempt 3 is under way): it hangs | "
        "Reconciling=True ProgressingWithRetry",
    ),
    "draining": (
        of_runs.running([RETRIED.model_copy(update={"reason": "Draining"})], is_removal=True),
        "Ready=False Removing: step register waits (next look at 12:00:05Z): it hangs | Reconciling=True Removing",
    ),
    "removing": (
        of_runs.running([RETRIED], is_removal=True),
        "Ready=False Removing: step register is retried (attempt 3 failed, next attempt at 12:00:05Z): it hangs | "
        "Reconciling=True Removing",
    ),
    "failed": (
        of_runs.failed("verify", Problem("NotAsDeclared", "it lists priority 1", retryable=True), is_removal=False),
        "Ready=False StepFailed: step verify failed: it lists priority 1. Find out who else writes there, "
        "then set the annotation herder.dev/retry to a new value | Stalled=True StepFailed",
    ),
    "failed without a step": (
        of_runs.failed(None, Problem("StepFailed", "the store failed", retryable=True), is_removal=False),
        "Ready=False StepFailed: the run failed: the store failed. Mend it, then set the annotation herder.dev/retry "
        "to a new value | Stalled=True StepFailed",
    ),
    "foreign": (
        of_runs.failed("register", Problem("ForeignEntry", "adopt it", retryable=False), is_removal=False),
        "Ready=False ForeignEntry: step register failed: adopt it | Stalled=True ForeignEntry",
    ),
    "not to be loaded": (
        of_runs.failed("replace", Problem("LoadFailed", "no file", retryable=False), is_removal=False),
        "Ready=False LoadFailed: step replace failed: no file. Correct spec.source, or put the tokenizer there on "
        "each replica's disk and set the annotation herder.dev/retry to a new value; "
        "spec.loading.timeoutSeconds is how long it is tried | Stalled=True LoadFailed",
    ),
    "being loaded": (
        of_runs.running([RETRIED.model_copy(update={"reason": "Loading"})], is_removal=False),
        "Ready=False Registering: step register waits (next look at 12:00:05Z): it hangs | "
        "Reconciling=True Progressing",
    ),
    "failed for the gateway": (
        of_runs.failed("register", Problem("GatewayUnreachable", "refused", retryable=True), is_removal=False),
        "Ready=Unknown GatewayUnreachable: step register failed: refused; it goes on when the gateway answers | "
        "Reconciling=True ProgressingWithRetry",
    ),
    "removal failed": (
        of_runs.failed("confirm", Problem("Draining", "drains", retryable=True), is_removal=True),
        "Ready=False Removing: step confirm failed: drains; it is tried again | Reconciling=True Removing",
    ),
    "removal failed, with an end": (
        of_runs.failed(
            "confirm",
            Problem("GatewayUnreachable", "refused", retryable=True),
            is_removal=True,
            let_go=phrases.let_go(NOW, "spec.drain", is_deleting=True),
        ),
        "Ready=Unknown GatewayUnreachable: step confirm failed: refused; it goes on when the gateway answers; at "
        "12:00:00Z the resource goes all the same, as spec.drain.onTimeout: Force says | "
        "Reconciling=True ProgressingWithRetry",
    ),
    "removing, without an end": (
        of_runs.running(
            [step(StepStatus.RUNNING)],
            is_removal=True,
            beside=phrases.let_go(None, "spec.drain", is_deleting=True),
        ),
        "Ready=False Removing: step register is running; with spec.drain.onTimeout: Keep it is waited for: set that "
        "to Force, or delete the ModelGateway, to let go | Reconciling=True Removing",
    ),
    "failed after many attempts": (
        of_runs.failed(
            "detect_connection",
            Problem("WorkerUnreachable", "refused", retryable=True),
            is_removal=False,
            tried=phrases.tried(324, NOW, NOW + timedelta(minutes=27)),
        ),
        "Ready=False WorkerUnreachable: step detect_connection failed after 324 attempts within 27 minutes: refused. "
        "Correct spec.url, or start the worker and set the annotation herder.dev/retry to a new value; "
        "spec.startup.timeoutSeconds is its budget | Stalled=True WorkerUnreachable",
    ),
    "failed, with a former URL": (
        of_runs.failed(
            "detect_connection",
            Problem("AddressRefused", "no", retryable=False),
            is_removal=False,
            beside=phrases.stays(["http://a"]),
            tried=phrases.tried(1, NOW, NOW),
        ),
        "Ready=False AddressRefused: step detect_connection failed: no; http://a, as it was before, stays registered "
        "meanwhile | Stalled=True AddressRefused",
    ),
    "cancelled": (
        of_runs.cancelled(),
        "Ready=False Cancelled: the run was cancelled. To begin another, set the annotation herder.dev/retry to a new "
        "value | Stalled=True Cancelled",
    ),
    "suspended": (
        claims.suspended("; and so on"),
        "Ready=False Suspended: spec.suspend is true: nothing but a deletion is done until it is false, not even "
        "repair; and so on",
    ),
    "blocked": (
        claims.blocked(ReadyReason.SECRET_NOT_FOUND, "no Secret"),
        "Ready=False SecretNotFound: no Secret | Stalled=True SecretNotFound",
    ),
}


def said(claimed: Claims) -> str:
    first, *others = [f"{claim.type}={claim.status} {claim.reason}" for claim in claimed]
    return " | ".join([f"{first}: {claimed[0].message}", *others])


@pytest.mark.parametrize(("claimed", "expected"), SITUATIONS.values(), ids=SITUATIONS)
def test_what_is_said(claimed: Claims, expected: str) -> None:
    assert said(claimed) == expected


@pytest.mark.parametrize("claimed", [claimed for claimed, _ in SITUATIONS.values()], ids=SITUATIONS)
def test_what_is_said_keeps_the_rules_of_kstatus(claimed: Claims) -> None:
    conditions = merge((), claimed, NOW, generation=3)

    assert check(conditions, 3, 3) == []


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(
            seen({E1: READY, E2: UNREACHABLE}, away=[E2]),
            "registered as declared on 1/2 replicas, no answer from http://replica-2, and left as it is",
            id="a replica is away",
        ),
        pytest.param(
            replace(seen({}), said=(ready(Truth.TRUE, ReadyReason.PUBLISHED, "published in ConfigMap m"),)),
            "published in ConfigMap m",
            id="what no replica lists",
        ),
    ],
)
def test_what_is_let_alone_says_how_it_stands(observation: Observation, expected: str) -> None:
    assert of_lists.outstanding(observation) == expected


@pytest.mark.parametrize("reason", list(ReadyReason), ids=str)
def test_whatever_a_step_fails_of_can_be_said(reason: ReadyReason) -> None:
    claimed = of_runs.failed("step", Problem(reason.value, "why", retryable=False), is_removal=False)

    assert check(merge((), claimed, NOW, 1), 1, 1) == []


@pytest.mark.parametrize(
    "error",
    [gateway.Unauthorized("401"), gateway.Unavailable("no answer"), gateway.Transient("503")],
    ids=["refused key", "no answer", "error"],
)
def test_what_the_gateway_itself_can_mend_is_known_to_pass_with_it(error: gateway.GatewayError) -> None:
    assert problem_of(error).reason in PASSES_WITH_GATEWAY


def test_a_refused_key_is_said_to_be_the_gateways_and_not_to_need_a_retry() -> None:
    claimed = of_runs.failed("register", problem_of(gateway.Unauthorized("401")), is_removal=False)

    by_type: dict[ConditionType, Claim] = {claim.type: claim for claim in claimed}
    assert by_type[ConditionType.READY].status is Truth.FALSE
    assert by_type[ConditionType.READY].reason is ReadyReason.GATEWAY_REFUSES
    assert "spec.auth.apiKeySecretRef" in by_type[ConditionType.READY].message
    assert "annotation" not in by_type[ConditionType.READY].message
