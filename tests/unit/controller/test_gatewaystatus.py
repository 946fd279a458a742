"""What a ModelGateway's conditions say of replicas that can't be driven, and what is to be done about it."""

from collections.abc import Mapping

import pytest

from herder.api.gateway import GatewayReplicaState, Mode
from herder.controller.fleet.gateways import Access, Gateway
from herder.controller.fleet.gatewaystatus import claims_of
from herder.controller.fleet.seen import Seen
from herder.controller.listing.views import View

A, B = "http://gw-a:3001", "http://gw-b:3001/smg"
UP = View(GatewayReplicaState.REACHABLE)
NO_SMG = "the gateway answered 404 at /workers: is it an smg?"


def down(trouble: str) -> View:
    return View(GatewayReplicaState.UNREACHABLE, trouble=trouble)


def said(views: Mapping[str, View]) -> tuple[str, str]:
    access = Access(tuple(views), Mode.ENFORCE, 10)
    told = {str(claim.type): claim.message for claim in claims_of(Seen(Gateway(access, (), views)))}
    return told["Ready"], told["Reachable"]


@pytest.mark.parametrize(
    ("views", "ready", "reachable"),
    [
        pytest.param(
            {B: down(NO_SMG)},
            f"its one replica does not answer as a gateway does; {B}: {NO_SMG}",
            "its one replica does not answer as a gateway does",
            id="another server",
        ),
        pytest.param(
            {A: UP, B: down(NO_SMG)},
            f"1 of 2 replicas answer as a gateway does; {B}: {NO_SMG}",
            f"1 of 2 replicas answer as a gateway does, not {B}",
            id="another server beside a gateway",
        ),
        pytest.param(
            {B: down("http://gw-b:3001: connection refused")},
            "its one replica does not answer; http://gw-b:3001: connection refused",
            "its one replica does not answer",
            id="none there",
        ),
    ],
)
def test_an_answer_that_is_no_gateways_is_not_called_silence(
    views: Mapping[str, View], ready: str, reachable: str
) -> None:
    assert said(views) == (ready, reachable)
