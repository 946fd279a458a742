"""What becomes of an MCP server that answers, is late, never comes up, or asks for headers."""

import pytest

from herder.api.gateway import HeaderPublishing
from herder.engine import WorkflowStatus
from herder.net.errors import AddressRefused
from herder.net.mcp import McpUnauthorized
from herder.workflows.errors import Permanent, Transient
from herder.workflows.mcp import registration, removal, shown
from unit.engine.kit import virtual_time
from unit.workflows.made import OWNER
from unit.workflows.mcp_world import DOWN, OFFER, FakeFile, FakeServer, data, plan, register, remove

NAME = OWNER.name


@virtual_time
async def test_a_server_is_asked_published_and_read_back() -> None:
    file, server = FakeFile(), FakeServer()
    run = data(plan(required=True), server, file)

    outcome = await register(run)

    assert outcome.status is WorkflowStatus.COMPLETED
    assert server.asked == ["greet", "offer"]
    assert file.calls == [f"put {NAME}", "look"]
    assert run.offer == OFFER
    assert shown(run).tool_count == 1


@virtual_time
async def test_a_required_server_that_is_late_is_published_when_it_answers() -> None:
    file, server = FakeFile(), FakeServer([DOWN] * 99)

    outcome = await register(data(plan(required=True), server, file))

    assert outcome.status is WorkflowStatus.COMPLETED
    assert server.asked.count("greet") == 100


@virtual_time
async def test_a_required_server_that_never_answers_is_not_published() -> None:
    file, run = FakeFile(), data(plan(required=True), FakeServer([DOWN] * 1000))
    run.file = file

    outcome = await register(run)

    assert (outcome.status, outcome.failed_step) == (WorkflowStatus.FAILED, "connect")
    assert run.problems["connect"].reason == "ServerUnreachable"
    assert file.calls == []


@virtual_time
async def test_an_optional_server_that_never_answers_is_published_all_the_same() -> None:
    file, run = FakeFile(), data(plan(), FakeServer([DOWN] * 1000))
    run.file = file

    outcome = await register(run)

    assert outcome.status is WorkflowStatus.COMPLETED
    assert list(file.entries) == [NAME]
    assert shown(run).tool_count is None
    assert run.problems["discover_tools"].reason == "ServerUnreachable"


@virtual_time
async def test_an_optional_server_at_a_forbidden_address_is_not_published_either() -> None:
    refusal = AddressRefused("169.254.169.254 is a link-local address")
    file, run = FakeFile(), data(plan(), FakeServer([refusal] * 1000, refusal=refusal))
    run.file = file

    outcome = await register(run)

    assert (outcome.status, outcome.failed_step) == (WorkflowStatus.FAILED, "publish")
    assert run.problems["publish"].reason == "AddressRefused"
    assert run.problems["publish"].message.endswith("; correct spec.transport.url")
    assert file.calls == []


@pytest.mark.parametrize(
    ("error", "reason", "says"),
    [
        pytest.param(McpUnauthorized("POST u answered 401"), "ServerUnauthorized", "put them into a Secret", id="401"),
        pytest.param(AddressRefused("it is loopback"), "AddressRefused", "loopback", id="loopback"),
    ],
)
@virtual_time
async def test_what_no_retry_mends_is_not_tried_again(error: Exception, reason: str, says: str) -> None:
    assert isinstance(error, McpUnauthorized | AddressRefused)
    server = FakeServer([error] * 10)
    run = data(plan(required=True), server)

    outcome = await register(run)

    assert outcome.failed_step == "connect"
    assert server.asked == ["greet"]
    assert run.problems["connect"].reason == reason
    assert says in run.problems["connect"].message


@virtual_time
async def test_wrong_headers_are_put_down_to_the_secret() -> None:
    run = data(plan({"Authorization": "Bearer x"}, required=True), FakeServer([McpUnauthorized("POST u answered 401")]))

    await register(run)

    assert "correct the Secret" in run.problems["connect"].message


@virtual_time
async def test_a_server_with_headers_is_not_published_unless_variables_stand_for_them() -> None:
    refused, taken = FakeFile(), FakeFile()
    run = data(plan({"Authorization": "Bearer sesame"}, required=True))
    run.file = refused

    first = await register(run)
    second = await register(data(plan({"Authorization": "Bearer sesame"}, HeaderPublishing.VARIABLES), None, taken))

    assert (first.failed_step, refused.entries) == ("publish", {})
    assert run.problems["publish"].reason == "HeadersNotPublishable"
    assert second.status is WorkflowStatus.COMPLETED
    assert "sesame" not in str(taken.entries)


@virtual_time
async def test_a_deployment_is_rolled_only_where_one_is_named() -> None:
    still, rolled = FakeFile(), FakeFile(rolls="shepherd")

    await register(data(plan(), None, still))
    await register(data(plan(), None, rolled))

    assert "roll" not in still.calls
    assert rolled.calls == [f"put {NAME}", "roll", "look"]


@virtual_time
async def test_an_entry_that_was_changed_meanwhile_is_put_back() -> None:
    class Meddled(FakeFile):
        async def roll(self) -> None:
            await super().roll()
            self.entries[NAME] = {**self.entries[NAME], "url": "http://elsewhere/mcp"}

    file = Meddled(rolls="shepherd")
    run = data(plan(), None, file)

    outcome = await register(run)

    assert outcome.status is WorkflowStatus.COMPLETED
    assert file.entries[NAME] == run.plan.entry


@virtual_time
async def test_a_file_of_somebody_else_fails_at_once_and_an_api_server_that_is_away_is_waited_for() -> None:
    foreign, away = FakeFile(), FakeFile()
    foreign.faults = [Permanent("ForeignEntry", "it is not ours")]
    away.faults = [Transient("ApiServerUnreachable", "no answer")] * 3

    first = await register(data(plan(required=True), None, foreign))
    second = await register(data(plan(required=True), None, away))

    assert (first.failed_step, foreign.calls) == ("publish", [f"put {NAME}"])
    assert second.status is WorkflowStatus.COMPLETED


@virtual_time
async def test_a_removed_server_is_taken_out_and_looked_for() -> None:
    file = FakeFile({NAME: {"name": NAME}, "other": {"name": "other"}}, rolls="shepherd")

    outcome = await remove(file)

    assert outcome.status is WorkflowStatus.COMPLETED
    assert list(file.entries) == ["other"]
    assert file.calls == [f"take {NAME}", "roll", "look"]


@virtual_time
async def test_a_removal_insists_until_its_time_is_up() -> None:
    file = FakeFile(faults=[Transient("ApiServerUnreachable", "no answer")] * 1000)

    outcome = await remove(file, timeout_s=30)

    assert (outcome.status, outcome.failed_step) == (WorkflowStatus.FAILED, "unpublish")


def test_connecting_is_tried_as_often_and_as_slowly_as_the_gateway_itself_does() -> None:
    connect = next(step for step in registration(is_required=True).steps if step.id == "connect")
    assert connect.retry is not None

    delays = [connect.retry.next_delay(attempt, 0.0) for attempt in (1, 2, 3, 4, 5, 6, 99, 100)]

    assert delays == [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, None]


@pytest.mark.parametrize("definition", [registration(is_required=True), registration(is_required=False), removal(60)])
def test_every_step_says_how_often_and_how_long_it_is_tried(definition: object) -> None:
    steps = definition.steps  # type: ignore[attr-defined]  # of a union of two workflows
    assert [step.id for step in steps if step.retry is None or step.timeout is None] == []
