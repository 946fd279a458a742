"""What is told of an McpServer that is deleted: what running replicas have of it still."""

from typing import Any
from unittest.mock import Mock

import pytest

from herder.controller.families.mcp import McpFamily
from herder.controller.known.objects import Key
from unit.controller.fake_kube import NAMESPACE
from unit.controller.office import working
from unit.controller.test_published import MAP, MapKube
from unit.engine.kit import virtual_time
from unit.workflows.mcp_world import URL, FakeServer

SERVER = Key("McpServer", NAMESPACE, "tools")
RESTART = "it is out of ConfigMap gw-mcp; replicas that run drop it when they restart"


@virtual_time
async def test_where_nobody_rolls_the_replicas_they_are_said_to_drop_it_when_they_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unit.controller.office.FakeKube", MapKube)
    monkeypatch.setattr("unit.controller.office.McpClient", lambda _http: FakeServer())
    async with working() as office:
        spec = {"gatewayRef": {"name": "gw"}, "transport": {"url": URL}}
        office.kube.apply(SERVER.kind, SERVER.name, spec)
        await office.until(office.says(SERVER, "Published"))

        office.kube.delete(SERVER)
        await office.until(lambda: office.is_gone(SERVER))
        await office.until(lambda: office.told(SERVER)[-1] == ("Normal", "Removed"))

        assert office.kube.events[-1]["message"] == RESTART
        assert "tools" not in office.kube.bodies[MAP]["data"]["mcp.yaml"]


@pytest.mark.parametrize(
    ("rolls", "said"),
    [
        pytest.param(None, RESTART, id="nobody"),
        pytest.param("shepherd", "it is off every replica", id="herder"),
    ],
)
def test_what_is_said_depends_on_who_restarts_them(rolls: str | None, said: str) -> None:
    leave: Any = Mock()
    leave.tools.mcp.file.return_value = Mock(rolls=rolls, config_map="gw-mcp")

    assert McpFamily().farewell(leave) == said
