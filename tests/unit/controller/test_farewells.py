"""Resources that go and leave their entries hold up nobody else, however many of their replicas hang."""

import asyncio

from herder.controller.known.objects import Key
from unit.controller.office import Office, at_work

MANY = 40


@at_work
async def test_many_that_are_left_on_a_replica_that_hangs_hold_up_no_resource_of_another_gateway(
    office: Office,
) -> None:
    keys = [office.worker(f"w{number}", deletionPolicy="Orphan") for number in range(MANY)]
    for key in keys:
        await office.registered(key)
    office.kube.apply("ModelGateway", "other", {"endpoints": [office.aliased()[1]]})
    office.a.hangs = True

    for key in keys:
        office.kube.delete(key)
    later = office.worker("later", gatewayRef={"name": "other"})
    took_s = await _until(office, later)
    await office.until(lambda: all(map(office.is_gone, keys)))

    assert took_s < 1
    assert len(office.a.listed) == MANY


async def _until(office: Office, key: Key) -> float:
    """Wait until it is registered, and return how long that took."""
    clock = asyncio.get_running_loop().time
    began_s = clock()
    await office.until(office.says(key, "Registered"))
    return clock() - began_s
