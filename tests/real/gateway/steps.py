"""What most tests on a real replica begin or end with."""

from collections.abc import Awaitable, Callable

from herder.gateway.errors import Busy, Gone
from herder.gateway.replica import Replica
from herder.gateway.spec import Health, WorkerSpec
from herder.gateway.types import Worker, WorkerStatus
from herder.net.http import Http
from rig.waiting import eventually

AT_ONCE = Health(drain_settle_secs=0)
NOWHERE = "01a20c13-7c7c-7499-81ff-040b921a57db"


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `check` says yes."""
    widened: Callable[[], bool | Awaitable[bool]] = check
    await eventually(widened)


async def status_of(replica: Replica, worker_id: str) -> WorkerStatus | None:
    """The worker's status, None once it is gone."""
    try:
        return (await replica.get_worker(worker_id)).status
    except Gone:
        return None


async def ready(replica: Replica, worker_id: str) -> Worker:
    """Wait until the worker is ready, and return it."""

    async def is_ready() -> bool:
        return await status_of(replica, worker_id) is WorkerStatus.READY

    await until(is_ready)
    return await replica.get_worker(worker_id)


async def idle(replica: Replica, worker_id: str) -> Worker:
    """Wait until the worker is ready and its last change is applied, and return it."""

    async def is_idle() -> bool:
        worker = await replica.get_worker(worker_id)
        return worker.status is WorkerStatus.READY and worker.job is None

    await until(is_idle)
    return await replica.get_worker(worker_id)


async def gone(replica: Replica, worker_id: str) -> None:
    """Wait until the replica knows the worker no more."""

    async def is_gone() -> bool:
        return await status_of(replica, worker_id) is None

    await until(is_gone)


async def added(replica: Replica, url: str, health: Health = AT_ONCE) -> Worker:
    """Register a healthy worker and wait until it is ready."""
    return await ready(replica, await replica.add_worker(WorkerSpec(url=url, health=health)))


async def is_ready(replica: Replica) -> None:
    """Wait until the replica says that it can serve."""

    async def says_so() -> bool:
        return (await replica.readiness()).ready

    await until(says_so)


async def post_verbatim(http: Http, replica: Replica, url: str) -> None:
    """Register `url` as somebody with `curl` would, in whatever spelling."""
    answer = await http.request("POST", f"{replica.endpoint}/workers", json={"url": url}, deadline_s=5)
    assert answer.status == 202, answer.body


async def when_idle(change: Callable[[], Awaitable[None]]) -> None:
    """Make a change as soon as the one before it is applied."""

    async def is_done() -> bool:
        try:
            await change()
        except Busy:
            return False
        return True

    await until(is_done)
