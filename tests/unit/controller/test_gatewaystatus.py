"""What a ModelGateway's conditions say of replicas that can't be driven, and what is to be done about it."""

from collections.abc import Mapping

import pytest

from herder.api.gateway import GatewayReplicaState, Mode
from herder.controller.fleet.gateways import Access, Gateway
from herder.controller.fleet.gatewaystatus import claims_of
from herder.controller.fleet.seen import Seen
from herder.controller.listing.views import View
from herder.gateway.answers import WHERE

A, B = "http://gw-a:3001", "http://gw-b:3001/smg"
UP = View(GatewayReplicaState.REACHABLE)
NO_SMG = f"the gateway answered 404 at /workers: is it an smg? if that stays so, correct {WHERE} of the ModelGateway"
NO_SMG_HERE = NO_SMG.replace(" (or spec.service)", "")


def down(trouble: str) -> View:
    return View(GatewayReplicaState.UNREACHABLE, trouble=trouble)


def said(views: Mapping[str, View], names: tuple[str, ...] = ()) -> tuple[str, str]:
    access = Access(tuple(views), Mode.ENFORCE, 10, names=names)
    told = {str(claim.type): claim.message for claim in claims_of(Seen(Gateway(access, (), views)))}
    return told["Ready"], told["Reachable"]


@pytest.mark.parametrize(
    ("views", "ready", "reachable"),
    [
        pytest.param(
            {B: down(NO_SMG)},
            f"its one replica does not answer as a gateway does; {B}: {NO_SMG_HERE}",
            "its one replica does not answer as a gateway does",
            id="another server",
        ),
        pytest.param(
            {A: UP, B: down(NO_SMG)},
            f"1 of 2 replicas answer as a gateway does; {B}: {NO_SMG_HERE}",
            f"1 of 2 replicas answer as a gateway does, not {B}",
            id="another server beside a gateway",
        ),
        pytest.param(
            {A: down(f"{A}: connection refused")},
            f"its one replica does not answer; {A}: connection refused; start it, or correct spec.endpoints",
            "its one replica does not answer",
            id="none there",
        ),
    ],
)
def test_an_answer_that_is_no_gateways_is_not_called_silence(
    views: Mapping[str, View], ready: str, reachable: str
) -> None:
    assert said(views) == (ready, reachable)


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        pytest.param(
            f"{A}: connection refused", f"{A}: connection refused; start it, or correct spec.service", id="down"
        ),
        pytest.param(
            "the gateway answered 500: boom",
            f"{A}: the gateway answered 500: boom; see to it, or correct spec.service",
            id="an error",
        ),
        pytest.param(
            NO_SMG,
            f"{A}: {NO_SMG.replace(WHERE, 'spec.service')}",
            id="another server",
        ),
    ],
)
def test_the_remedy_names_the_field_that_leads_to_the_replica(trouble: str, text: str) -> None:
    assert said({A: down(trouble)}, names=("gw.shop.svc",))[0].endswith(f"; {text}")
