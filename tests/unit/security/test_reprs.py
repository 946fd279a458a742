"""What holds a key does not show it when it is shown itself: in a traceback, a debugger or a log line."""

from collections.abc import Callable

import pytest

from herder.api.base import parse
from herder.api.gateway import Mode
from herder.api.mcp import McpServerSpec
from herder.api.worker import WorkerRegistrationSpec
from herder.controller.cluster.secrets import _Content
from herder.controller.fleet.gateways import Access
from herder.gateway.spec import WorkerSpec
from herder.net.mcp import McpEndpoint
from herder.net.scrubber import Scrubber
from herder.net.tls import Trust
from herder.workflows.mcp import McpPlan
from herder.workflows.plan import Plan
from herder.workflows.probing import Asked
from unit.workflows.made import OWNER

KEY = "canary-5f0e"
WORKER = parse(WorkerRegistrationSpec, {"gatewayRef": {"name": "gw"}, "url": "http://w"})
SERVER = parse(McpServerSpec, {"gatewayRef": {"name": "gw"}, "transport": {"url": "http://m"}})


def _scrubber() -> Scrubber:
    scrubber = Scrubber()
    scrubber.learn([KEY])
    return scrubber


HOLDERS: dict[str, Callable[[], object]] = {
    "a gateway's access": lambda: Access(("http://gw",), Mode.ENFORCE, 1.0, (), KEY, Trust(KEY)),
    "a bundle": lambda: Trust(KEY),
    "a secret": lambda: _Content({"token": KEY}),
    "a worker as declared": lambda: Plan(WORKER, OWNER, KEY),
    "a worker as posted": lambda: WorkerSpec(url="http://w", api_key=KEY),
    "a worker as asked": lambda: Asked("http://w", api_key=KEY),
    "a server as declared": lambda: McpPlan(SERVER, OWNER, {"Authorization": KEY}),
    "a server as asked": lambda: McpEndpoint("http://m", {"Authorization": KEY}),
    "a scrubber": _scrubber,
}


@pytest.mark.parametrize("make", HOLDERS.values(), ids=HOLDERS.keys())
def test_what_holds_a_key_does_not_show_it(make: Callable[[], object]) -> None:
    held = make()

    assert KEY not in f"{held!r} {held}"
