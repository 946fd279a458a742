"""What holds a key does not show it when it is shown itself: in a traceback, a debugger or a log line."""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Callable
from typing import Final

import pytest

import herder
from herder.api.base import parse
from herder.api.gateway import Mode
from herder.api.mcp import McpServerSpec
from herder.api.worker import WorkerRegistrationSpec
from herder.controller.cluster.secrets import _Content
from herder.controller.fleet.gateways import Access
from herder.gateway.spec import WorkerPatch, WorkerSpec
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
    "a worker as updated": lambda: WorkerPatch(api_key=KEY),
    "a worker as asked": lambda: Asked("http://w", api_key=KEY),
    "a server as declared": lambda: McpPlan(SERVER, OWNER, {"Authorization": KEY}),
    "a server as asked": lambda: McpEndpoint("http://m", {"Authorization": KEY}),
    "a scrubber": _scrubber,
}


@pytest.mark.parametrize("make", HOLDERS.values(), ids=HOLDERS.keys())
def test_what_holds_a_key_does_not_show_it(make: Callable[[], object]) -> None:
    held = make()

    assert KEY not in f"{held!r} {held}"


SECRET: Final = re.compile(r"api_key|ca_pem|.*token|.*password|.*secret|.*authorization|headers")
SAID_BY_A_PEER: Final = {"herder.net.http.Answer", "herder.net.http.Stream"}
"""These hold headers, too, but nobody's keys."""


def test_each_class_that_can_hold_a_key_is_one_of_these() -> None:
    holders = {f"{type(held).__module__}.{type(held).__name__}" for held in (make() for make in HOLDERS.values())}

    found = {
        f"{made.__module__}.{made.__name__}"
        for module in pkgutil.walk_packages(herder.__path__, "herder.")
        if not module.name.endswith("__main__")
        for made in vars(importlib.import_module(module.name)).values()
        if isinstance(made, type) and dataclasses.is_dataclass(made)
        if any(SECRET.fullmatch(field.name) for field in dataclasses.fields(made))
    }

    assert {name for name in found if name.startswith("herder.")} - holders == SAID_BY_A_PEER
    assert len(found) > 5
