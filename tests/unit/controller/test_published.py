"""One gateway's file on a fake API server: turns, fences, whose it is, and what is told."""

import asyncio
from typing import Any

import pytest
import yaml

from herder.api.meta import MCP_SERVER, MODEL_GATEWAY
from herder.controller.cluster.errors import Conflicted, Forbidden, Rejected, Unreached
from herder.controller.known.objects import Body, Key, Objects
from herder.controller.mcp.published import PublishedFile
from herder.workflows.errors import Permanent, Transient, Waiting
from unit.controller.fake_kube import NAMESPACE, Call, FakeKube
from unit.engine.kit import elapsed_s, virtual_time

GATEWAY = Key(MODEL_GATEWAY.kind, NAMESPACE, "gw")
MAP = f"/api/v1/namespaces/{NAMESPACE}/configmaps/gw-mcp"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/shepherd"


class MapKube(FakeKube):
    """Takes server-side applies of ConfigMaps and merge patches of Deployments, too."""

    def _carry_out(self, call: Call, headers: Any) -> dict[str, Any]:
        path = call.path.partition("?")[0]
        if headers.get("Content-Type") != "application/apply-patch+yaml":
            return super()._carry_out(call, headers)
        body = dict(call.body or {})
        known = self.bodies.get(path)
        version = body["metadata"].pop("resourceVersion", None)
        if known is not None and known["metadata"]["resourceVersion"] != version:
            raise Conflicted(path)
        return self._store(path, {**body, "metadata": {"uid": "m", **body["metadata"]}})

    def put(self, path: str, body: Body) -> None:
        """Let somebody else write an object."""
        self._store(path, {**body, "metadata": {"uid": "x", **body.get("metadata", {})}})


class Desk:
    """A gateway, its servers, and the file."""

    def __init__(self, **mcp: Any) -> None:
        self.kube = MapKube()
        self.objects = Objects()
        self.objects.put(self.kube.apply("ModelGateway", "gw", {"endpoints": ["http://a"], "mcp": mcp}))
        self.told: list[tuple[str, str]] = []
        self.file = self.restarted()

    def restarted(self) -> PublishedFile:
        return PublishedFile(self.kube, self.objects, GATEWAY, clock=elapsed_s)

    def declare(self, *names: str) -> None:
        for name in names:
            self.objects.put(self.kube.apply("McpServer", name, {"gatewayRef": {"name": "gw"}}))

    async def put(self, name: str, **fields: Any) -> None:
        await self.file.put(name, {"name": name, "url": f"http://{name}", **fields}, adopt=False)

    async def repair(self) -> None:
        await self.file.repair(lambda name, found: self.told.append((name, found)))

    def names(self) -> list[str]:
        return [each["name"] for each in yaml.safe_load(self.text())["servers"]]

    def text(self) -> str:
        return str(self.kube.bodies[MAP]["data"]["mcp.yaml"])

    def writes(self) -> int:
        return sum(call.method == "PATCH" and "configmaps" in call.path for call in self.kube.calls)


def server(name: str) -> Key:
    return Key(MCP_SERVER.kind, NAMESPACE, name)


@virtual_time
async def test_many_at_once_are_all_in_it() -> None:
    desk = Desk()
    names = [f"s{number}" for number in range(10)]
    desk.declare(*names)

    await asyncio.gather(*(desk.put(name) for name in names))

    assert desk.names() == names


@virtual_time
async def test_what_is_there_already_is_not_written_again() -> None:
    desk = Desk()
    desk.declare("a")
    await desk.put("a")

    await desk.put("a")
    await desk.repair()

    assert desk.writes() == 1


@virtual_time
async def test_somebody_who_writes_at_the_same_moment_is_not_overwritten_but_read() -> None:
    desk = Desk()
    desk.declare("a", "b")
    await desk.put("a")

    async def interfere(call: Call) -> None:
        if call.method == "PATCH" and desk.kube.gate is interfere:
            desk.kube.gate = _let_through
            labels = {**desk.kube.bodies[MAP]["metadata"]["labels"], "team": "x"}
            desk.kube.put(
                MAP, {**desk.kube.bodies[MAP], "metadata": {**desk.kube.bodies[MAP]["metadata"], "labels": labels}}
            )

    desk.kube.gate = interfere
    await desk.put("b")

    assert desk.names() == ["a", "b"]
    assert desk.writes() == 3


async def _let_through(_call: Call) -> None:
    return


@virtual_time
async def test_what_fails_to_be_put_in_is_forgotten() -> None:
    desk = Desk()
    desk.declare("a", "b")
    desk.kube.fail(Unreached("no answer"))

    with pytest.raises(Transient):
        await desk.put("a")
    await desk.put("b")

    assert desk.names() == ["b"]


@virtual_time
async def test_the_entries_of_an_earlier_process_stay_and_those_of_gone_resources_go() -> None:
    desk = Desk()
    desk.declare("a", "b", "gone")
    for name in ("a", "gone"):
        await desk.put(name)
    gone = Key(MCP_SERVER.kind, NAMESPACE, "gone")
    desk.objects.remove(gone, desk.kube.body(gone)["metadata"]["uid"])
    desk.file = desk.restarted()

    await desk.put("b")

    assert desk.names() == ["a", "b"]


@virtual_time
async def test_what_was_changed_by_hand_is_put_back_and_told_for_each_server() -> None:
    desk = Desk()
    desk.declare("a", "b")
    await desk.put("a")
    await desk.put("b")
    before = desk.text()
    desk.kube.bodies[MAP]["data"] = {"mcp.yaml": before.replace("http://a", "http://elsewhere")}

    await desk.repair()

    assert desk.text() == before
    assert desk.told == [("a", "ConfigMap gw-mcp: it lists a with another url than declared; repaired")]


@virtual_time
async def test_a_repair_is_told_once_it_is_made_and_not_when_it_fails() -> None:
    desk = Desk()
    desk.declare("a")
    await desk.put("a")
    desk.kube.bodies[MAP]["data"] = {"mcp.yaml": desk.text().replace("http://a", "http://elsewhere")}

    async def refuse(call: Call) -> None:
        if call.method == "PATCH":
            raise Unreached("no answer")

    desk.kube.gate = refuse
    with pytest.raises(Transient):
        await desk.repair()
    told_of_failure = list(desk.told)
    desk.kube.gate = _let_through
    await desk.repair()

    assert told_of_failure == []
    assert [name for name, _ in desk.told] == ["a"]


@virtual_time
async def test_a_deleted_file_is_made_again_and_told() -> None:
    desk = Desk()
    desk.declare("a")
    await desk.put("a")
    del desk.kube.bodies[MAP]

    await desk.repair()

    assert desk.names() == ["a"]
    assert [name for name, _ in desk.told] == ["a"]


@virtual_time
async def test_a_config_map_that_lost_its_owner_gets_it_back_and_no_event() -> None:
    desk = Desk()
    desk.declare("a")
    await desk.put("a")
    del desk.kube.bodies[MAP]["metadata"]["ownerReferences"]

    await desk.repair()

    assert len(desk.kube.bodies[MAP]["metadata"]["ownerReferences"]) == 1
    assert desk.told == []


@virtual_time
async def test_what_is_to_be_left_as_it_is_is_not_repaired() -> None:
    desk = Desk()
    desk.declare("a")
    await desk.put("a")
    changed = desk.text().replace("http://a", "http://elsewhere")
    desk.kube.bodies[MAP]["data"] = {"mcp.yaml": changed}

    desk.file.leave("a")
    await desk.repair()

    assert desk.text() == changed
    assert desk.told == []


@virtual_time
async def test_a_gateway_that_asks_for_a_file_gets_one_without_servers_and_another_does_not() -> None:
    asks, silent = Desk(), Desk()
    silent.objects.put(silent.kube.apply("ModelGateway", "gw", {"endpoints": ["http://a"]}))

    await asks.repair()
    await silent.repair()

    assert asks.names() == []
    assert MAP not in silent.kube.bodies


@virtual_time
async def test_a_gateway_that_is_only_observed_has_nothing_written() -> None:
    desk = Desk()
    spec = {"endpoints": ["http://a"], "mode": "Observe", "mcp": {}}
    desk.objects.put(desk.kube.apply("ModelGateway", "gw", spec))

    await desk.repair()

    assert desk.writes() == 0


@pytest.mark.parametrize(
    ("metadata", "says", "reason"),
    [
        pytest.param({}, "was not made by herder", "ForeignEntry", id="nobody's"),
        pytest.param(
            {"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "was not made by herder", "ForeignEntry", id="Helm's"
        ),
        pytest.param(
            {
                "labels": {"app.kubernetes.io/managed-by": "herder"},
                "ownerReferences": [{"kind": "ModelGateway", "name": "other", "uid": "OTHER"}],
            },
            "is the one of ModelGateway other",
            "Conflict",
            id="another gateway's",
        ),
    ],
)
@virtual_time
async def test_a_config_map_of_somebody_else_is_left_alone(metadata: dict[str, Any], says: str, reason: str) -> None:
    desk = Desk()
    other = desk.kube.apply("ModelGateway", "other", {"endpoints": ["http://b"]})
    desk.objects.put(other)
    for owner in metadata.get("ownerReferences", ()):
        owner["uid"] = other["metadata"]["uid"]
    desk.kube.put(MAP, {"metadata": metadata, "data": {"mcp.yaml": "x"}})
    desk.declare("a")

    with pytest.raises(Permanent, match=says) as caught:
        await desk.put("a")
    await desk.file.take("a")
    await desk.repair()

    assert caught.value.reason == reason
    assert desk.text() == "x"


@virtual_time
async def test_a_config_map_of_another_gateway_is_not_even_adopted() -> None:
    desk = Desk()
    other = desk.kube.apply("ModelGateway", "other", {"endpoints": ["http://b"]})
    desk.objects.put(other)
    owner = {"kind": "ModelGateway", "name": "other", "uid": other["metadata"]["uid"]}
    desk.kube.put(MAP, {"metadata": {"ownerReferences": [owner]}, "data": {"mcp.yaml": "x"}})
    desk.declare("a")

    with pytest.raises(Permanent) as caught:
        await desk.file.put("a", {"name": "a"}, adopt=True)

    assert (caught.value.reason, desk.text()) == ("Conflict", "x")


@virtual_time
async def test_a_config_map_of_a_gateway_that_is_gone_is_taken_over() -> None:
    desk = Desk()
    owner = {"kind": "ModelGateway", "name": "gw", "uid": "of a former one"}
    labels = {"app.kubernetes.io/managed-by": "herder"}
    desk.kube.put(
        MAP, {"metadata": {"labels": labels, "ownerReferences": [owner]}, "data": {"mcp.yaml": "servers: []"}}
    )
    desk.declare("a")

    await desk.put("a")

    [reference] = desk.kube.bodies[MAP]["metadata"]["ownerReferences"]
    assert reference["uid"] == desk.kube.body(GATEWAY)["metadata"]["uid"]


@virtual_time
async def test_one_variable_stands_for_the_header_of_one_server_only() -> None:
    desk = Desk()
    desk.declare("a.b", "a-b")
    await desk.put("a.b", headers={"X": "${HERDER_MCP_A_B_X}"})

    with pytest.raises(Permanent, match="both need the variable HERDER_MCP_A_B_X"):
        await desk.put("a-b", headers={"X": "${HERDER_MCP_A_B_X}"})

    assert desk.names() == ["a.b"]


@virtual_time
async def test_what_is_kept_stays_when_its_resource_is_gone_and_goes_with_its_entry() -> None:
    desk = Desk()
    desk.declare("a", "b")
    await desk.put("a")
    await desk.put("b")

    await desk.file.keep("a")
    for name in ("a", "b"):
        desk.objects.remove(server(name), desk.kube.body(server(name))["metadata"]["uid"])
    desk.file = desk.restarted()
    await desk.repair()
    kept = yaml.safe_load(desk.text())["servers"]
    desk.kube.put(MAP, {**desk.kube.bodies[MAP], "data": {"mcp.yaml": "servers: []"}})
    await desk.repair()

    assert kept == [{"name": "a", "url": "http://a", "herder.dev/deletion-policy": "Orphan"}]
    assert desk.names() == []


@virtual_time
async def test_what_is_not_listed_any_more_is_not_kept() -> None:
    desk = Desk()
    desk.declare("a", "b")
    await desk.put("b")

    await desk.file.keep("a")

    assert (desk.names(), desk.writes()) == (["b"], 1)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        pytest.param(Unreached("x"), Transient, "ApiServerUnreachable", id="no answer"),
        pytest.param(Forbidden("x"), Transient, "NotPermitted", id="no rights"),
        pytest.param(Rejected("x"), Permanent, "PublishRefused", id="refused"),
    ],
)
@virtual_time
async def test_what_the_api_server_refuses_is_told_apart(
    error: Any, kind: type[Transient | Permanent], reason: str
) -> None:
    desk = Desk()
    desk.kube.fail(error)

    with pytest.raises(kind) as caught:
        await desk.put("a")

    assert caught.value.reason == reason


def _deployment(generation: int) -> Body:
    status = {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": "s"}}}},
        "status": status,
    }


@virtual_time
async def test_a_deployment_is_told_once_and_after_a_quiet_moment() -> None:
    desk = Desk(rollout={"deployment": "shepherd"})
    desk.kube.put(DEPLOYMENT, _deployment(1))
    desk.declare("a", "b", "c")

    async def publish(name: str, at_s: float) -> None:
        await asyncio.sleep(at_s)
        await desk.put(name)
        await desk.file.roll()

    await asyncio.gather(publish("a", 0.0), publish("b", 1.5), publish("c", 3.0))

    patches = [call for call in desk.kube.calls if call.method == "PATCH" and call.path == DEPLOYMENT]
    assert len(patches) == 1
    assert elapsed_s() >= 5.0
    assert await desk.file.rolling() is None


@virtual_time
async def test_a_rollout_that_takes_its_time_says_what_it_waits_for() -> None:
    desk = Desk(rollout={"deployment": "shepherd"})
    desk.kube.put(DEPLOYMENT, {**_deployment(2), "status": {"observedGeneration": 1}})
    desk.declare("a")
    await desk.put("a")

    with pytest.raises(Waiting, match="its controller has not begun yet") as caught:
        await desk.file.roll()

    assert caught.value.reason == "RollingOut"


def _hash_told(desk: Desk) -> str:
    return str(
        desk.kube.bodies[DEPLOYMENT]["spec"]["template"]["metadata"]["annotations"]["herder.dev/mcp-config-hash"]
    )


@virtual_time
async def test_replicas_are_told_of_what_a_removal_that_was_given_up_has_left_to_the_repair() -> None:
    desk = Desk(rollout={"deployment": "shepherd"})
    desk.kube.put(DEPLOYMENT, _deployment(1))
    desk.declare("a", "b")
    await desk.put("a")
    await desk.put("b")
    await desk.file.roll()
    before = _hash_told(desk)

    desk.objects.remove(server("a"), desk.kube.body(server("a"))["metadata"]["uid"])
    await desk.repair()
    soon = await desk.file.rolling(), _hash_told(desk)
    await asyncio.sleep(3)
    later = await desk.file.rolling(), _hash_told(desk)

    assert desk.names() == ["b"]
    assert soon == ("it has not been told of the new file yet", before)
    assert later == ("its controller has not begun yet", desk.file.latest and desk.file.latest.config_hash)


@virtual_time
async def test_replicas_that_were_never_told_of_a_file_are_not_rolled_without_a_run() -> None:
    desk = Desk(rollout={"deployment": "shepherd"})
    desk.kube.put(DEPLOYMENT, _deployment(1))
    await desk.repair()
    await asyncio.sleep(60)

    await desk.file.rolling()

    assert not any(call.method == "PATCH" and call.path == DEPLOYMENT for call in desk.kube.calls)


OTHER_MAP = f"/api/v1/namespaces/{NAMESPACE}/configmaps/other"


def rename(desk: Desk, name: str) -> None:
    """Have the gateway name another ConfigMap."""
    spec = {"endpoints": ["http://a"], "mcp": {"configMap": name}}
    desk.objects.put(desk.kube.apply("ModelGateway", "gw", spec))


@virtual_time
async def test_the_config_map_that_the_gateway_named_before_is_vacated_once_the_new_one_has_all() -> None:
    desk = Desk()
    desk.declare("a", "b")
    await desk.put("a")
    await desk.put("b")

    rename(desk, "other")
    await desk.repair()

    assert "data" not in desk.kube.bodies[MAP]
    assert [each["name"] for each in yaml.safe_load(desk.kube.bodies[OTHER_MAP]["data"]["mcp.yaml"])["servers"]] == [
        *("a", "b"),
    ]
    rename(desk, "gw-mcp")
    await desk.repair()
    assert (desk.names(), "data" in desk.kube.bodies[OTHER_MAP]) == (["a", "b"], False)


@virtual_time
async def test_after_a_restart_the_statuses_tell_which_one_that_was() -> None:
    desk = Desk()
    desk.declare("a")
    await desk.put("a")
    desk.objects.put(desk.kube.set_status(server("a"), {"server": {"name": "a", "configMap": "gw-mcp"}}))
    rename(desk, "other")
    desk.file = desk.restarted()

    await desk.repair()
    still = "data" in desk.kube.bodies[MAP]
    await desk.put("a")
    await desk.repair()

    assert (still, "data" in desk.kube.bodies[MAP]) == (True, False)


@virtual_time
async def test_a_config_map_of_somebody_else_that_a_status_names_is_not_vacated() -> None:
    desk = Desk()
    desk.declare("a")
    desk.objects.put(desk.kube.set_status(server("a"), {"server": {"name": "a", "configMap": "other"}}))
    desk.kube.put(OTHER_MAP, {"metadata": {}, "data": {"mcp.yaml": "servers: []"}})

    await desk.repair()

    assert desk.kube.bodies[OTHER_MAP]["data"] == {"mcp.yaml": "servers: []"}


@virtual_time
async def test_a_deployment_that_is_missing_is_waited_for_by_name() -> None:
    desk = Desk(rollout={"deployment": "shepherd"})
    desk.declare("a")
    await desk.put("a")

    with pytest.raises(Waiting, match="Deployment shepherd does not exist: create it"):
        await desk.file.roll()
