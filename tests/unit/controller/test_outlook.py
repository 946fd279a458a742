"""What is said and done about an MCP server in each situation that its gateway's file and the server can be in."""

from datetime import UTC, datetime
from typing import Any

import pytest

from herder.api.conditions import ConditionType, ReachableReason, ReadyReason, Truth, merge, reachable, ready
from herder.api.gateway import HeaderPublishing
from herder.api.mcp import McpServerStatus, PublishedServer
from herder.api.status import PastRun, RunStatus, Step, StepStatus, WorkflowRun
from herder.controller.families.mcp_desk import Seen, Sighting
from herder.controller.families.mcp_outlook import outlook, served
from herder.controller.listing.observation import Observation
from herder.workflows.errors import Problem
from herder.workflows.mcp import McpPlan
from herder.workflows.mcp.file import Entries
from herder.workflows.mcp.ports import FileView
from unit.workflows.mcp_world import OFFER, plan

DEAD = Sighting(problem=Problem("ServerUnreachable", "connection refused", retryable=True))
ALIVE = Sighting(OFFER)
NEW = McpServerStatus()
BEGUN = McpServerStatus(server=PublishedServer(name="name", tool_count=7))


def _seen(entries: Entries, **fields: Any) -> Seen:
    return Seen(FileView("gw-mcp", entries, "hash"), **fields)


def _listed(declared: McpPlan) -> Seen:
    return _seen({declared.key: declared.entry})


def _look(
    declared: McpPlan,
    seen: Seen | None = None,
    sighting: Sighting | None = ALIVE,
    status: McpServerStatus = BEGUN,
    *,
    rolls: str | None = None,
    observes: bool = False,
) -> Observation:
    return outlook(declared, seen or _listed(declared), sighting, status, rolls=rolls, observes=observes)


def _said(observation: Observation, kind: ConditionType = ConditionType.READY) -> tuple[str, str, str]:
    claim = next(each for each in observation.said or () if each.type is kind)
    return claim.status.value, claim.reason.value, claim.message


def _failed_at(step: str) -> McpServerStatus:
    run = WorkflowRun(name="mcp-registration", instance_id="i", generation=1, status=RunStatus.FAILED)
    past = PastRun(name="mcp-registration", status=RunStatus.FAILED, failed_step=step)
    return BEGUN.model_copy(update={"workflow": run, "history": (past,)})


@pytest.mark.parametrize(
    ("required", "sighting", "status", "reason"),
    [
        pytest.param(False, ALIVE, "True", "Published", id="optional and alive"),
        pytest.param(False, DEAD, "True", "Published", id="optional and dead"),
        pytest.param(True, ALIVE, "True", "Published", id="required and alive"),
        pytest.param(True, DEAD, "False", "ServerUnreachable", id="required and dead"),
        pytest.param(True, None, "True", "Published", id="required and not asked yet"),
    ],
)
def test_ready_says_that_it_is_published_and_where_required_that_it_answers(
    required: bool, sighting: Sighting | None, status: str, reason: str
) -> None:
    seen = _look(plan(required=required), sighting=sighting)

    assert _said(seen)[:2] == (status, reason)
    assert seen.is_satisfied


def test_whether_a_server_answers_has_a_condition_of_its_own() -> None:
    alive, dead = _look(plan()), _look(plan(), sighting=DEAD)

    assert _said(alive, ConditionType.REACHABLE)[:2] == ("True", "ServerAnswers")
    assert _said(dead, ConditionType.REACHABLE) == ("False", "ServerUnreachable", "connection refused")


def test_what_was_known_before_a_restart_holds_until_the_server_is_asked() -> None:
    claims = (
        ready(Truth.FALSE, ReadyReason.SERVER_UNREACHABLE, "x"),
        reachable(Truth.FALSE, ReachableReason.SERVER_UNREACHABLE, "connection refused"),
    )
    status = BEGUN.model_copy(update={"conditions": merge((), claims, datetime.now(UTC), 1)})

    seen = _look(plan(required=True), sighting=None, status=status)

    assert _said(seen)[:2] == ("False", "ServerUnreachable")
    assert _said(seen, ConditionType.REACHABLE)[0] == "False"


def test_of_a_server_that_does_not_answer_it_is_not_shown_what_it_offered() -> None:
    alive, dead, unasked = (_look(plan(), sighting=each).shown["server"] for each in (ALIVE, DEAD, None))

    assert isinstance(alive, PublishedServer)
    assert isinstance(dead, PublishedServer)
    assert isinstance(unasked, PublishedServer)
    assert (alive.tool_count, dead.tool_count, unasked.tool_count) == (1, None, 7)


def test_nothing_is_shown_before_a_run_has_begun() -> None:
    assert _look(plan(), status=NEW).shown == {}


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        pytest.param(_seen({}), "ConfigMap gw-mcp: it does not list", id="not there"),
        pytest.param(Seen(trouble="no answer"), "no answer", id="not read"),
    ],
)
def test_what_is_not_published_is_on_its_way(seen: Seen, says: str) -> None:
    found = _look(plan(), seen)

    assert not found.is_satisfied
    assert found.is_actionable is (seen.view is not None)
    assert _said(found)[:2] == ("False", "Registering")
    assert says in _said(found)[2]


def test_where_nothing_may_be_changed_it_is_told_what_would_be() -> None:
    found = _look(plan(), _seen({}), observes=True)

    assert _said(found)[:2] == ("False", "Observed")
    assert "it would be published" in _said(found)[2]


def test_a_file_of_somebody_else_counts_as_foreign() -> None:
    found = _look(plan(), Seen(FileView("gw-mcp", {}, None, "it is not ours")))

    assert found.has_foreign


@pytest.mark.parametrize(
    ("step", "sighting", "is_mended"),
    [("connect", ALIVE, True), ("discover_tools", ALIVE, True), ("connect", DEAD, False), ("publish", ALIVE, False)],
)
def test_a_server_that_answers_again_mends_what_failed_of_it(step: str, sighting: Sighting, is_mended: bool) -> None:
    assert _look(plan(), _seen({}), sighting, _failed_at(step)).is_mended is is_mended


def test_a_rollout_that_was_given_up_is_not_forgotten_until_it_is_complete() -> None:
    declared = plan()
    listed = {declared.key: declared.entry}

    given_up = _look(declared, _seen(listed, rolling="1 of 2 replicas are new"), status=_failed_at("roll"))
    complete = _look(declared, _seen(listed), status=_failed_at("roll"))
    of_others = _look(declared, _seen(listed, rolling="1 of 2 replicas are new"))

    assert [given_up.is_satisfied, complete.is_satisfied, of_others.is_satisfied] == [False, True, True]


def test_it_is_told_how_a_change_takes_effect_and_which_variables_are_needed() -> None:
    by_hand, rolled = _look(plan()), _look(plan(), rolls="shepherd")
    filled_in = _look(plan({"X-Key": "sesame"}, HeaderPublishing.VARIABLES))

    assert "restart them" in _said(by_hand)[2]
    assert "Deployment shepherd is rolled" in _said(rolled)[2]
    assert "_X_KEY" in _said(filled_in)[2]
    assert "sesame" not in _said(filled_in)[2]


@pytest.mark.parametrize(
    ("required", "done", "connect", "is_served"),
    [
        pytest.param(False, ("publish", "roll"), StepStatus.RETRYING, True, id="optional and silent"),
        pytest.param(False, ("publish", "roll"), StepStatus.FAILED, True, id="optional and given up"),
        pytest.param(False, ("publish", "roll"), StepStatus.RUNNING, False, id="asked for the first time"),
        pytest.param(False, ("publish",), StepStatus.RETRYING, False, id="not rolled yet"),
        pytest.param(True, ("publish", "roll"), StepStatus.RETRYING, False, id="required"),
    ],
)
def test_an_optional_server_that_is_silent_is_served_though_its_run_goes_on(
    required: bool, done: tuple[str, ...], connect: StepStatus, is_served: bool
) -> None:
    steps = [Step(name=name, status=StepStatus.SUCCEEDED) for name in done]
    steps.append(Step(name="connect", status=connect, attempts=1, message="no answer"))

    said = served(plan(required=required), steps, "gw-mcp", None)

    expected = [("Ready", "True", "Published"), ("Reachable", "False", "ServerUnreachable")] if is_served else []
    assert [(claim.type, claim.status, claim.reason) for claim in said] == expected
    assert all("no answer" in claim.message for claim in said[1:])
