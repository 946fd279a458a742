"""No gateway, and no replica, keeps another from its turn: told by the order in which things happen."""

import asyncio

from herder.controller.options import Options
from unit.controller.office import ENDPOINTS, ListedReplica, Office, working
from unit.engine.kit import virtual_time

OTHER = "http://other-gateway"


def second_gateway(office: Office) -> ListedReplica:
    """A gateway of its own, well and with nothing to do."""
    office.replicas[OTHER] = ListedReplica(OTHER, office.workers)
    office.kube.apply("ModelGateway", "second", {"endpoints": [OTHER]})
    return office.replicas[OTHER]


@virtual_time
async def test_a_gateway_that_hangs_with_a_hundred_runs_delays_no_run_of_another() -> None:
    async with working(Options(runs_at_once=4)) as office:
        second_gateway(office)
        await asyncio.sleep(5)
        for endpoint in ENDPOINTS:
            office.replicas[endpoint].hangs = True
        stuck = [office.worker(f"stuck-{number}") for number in range(100)]
        await asyncio.sleep(1)

        key = office.worker("well", gatewayRef={"name": "second"})
        await office.until(office.says(key, "Registered"), within_s=1)

        assert not any(office.condition(each).get("reason") == "Registered" for each in stuck)


@virtual_time
async def test_a_removal_is_not_kept_waiting_by_registrations() -> None:
    async with working(Options(runs_at_once=1)) as office:
        first = office.worker("first")
        await office.registered(first)
        many = [office.worker(f"many-{number}") for number in range(50)]
        await office.until(lambda: any(office.has_begun(each)() for each in many))

        office.kube.delete(first)
        await office.until(lambda: office.is_gone(first))

        waiting = [each for each in many if not office.has_begun(each)()]
        assert len(waiting) > 40
        for each in many:
            await office.registered(each)
