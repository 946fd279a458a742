"""The same on every replica at once: one that fails, hangs or is away holds up none of the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from herder.workflows.errors import Permanent, Problem, StepFault, Transient, problem_of
from herder.workflows.ports import Replica


async def on_each(
    replicas: Iterable[Replica], act: Callable[[Replica], Awaitable[None]], *, patience_s: float | None = None
) -> dict[str, Problem]:
    """Run `act` on all replicas at once and return what went wrong, by endpoint.

    A replica that takes longer than `patience_s` counts as out of reach, and its call is cut off. Cancelling all of it
    cancels what still runs and waits for that, so that nothing is sent afterwards.
    """
    problems: dict[str, Problem] = {}

    async def guarded(replica: Replica) -> None:
        try:
            async with asyncio.timeout(patience_s):
                await act(replica)
        except TimeoutError:
            text = f"{replica.endpoint}: no answer within {patience_s:g} s"
            problems[replica.endpoint] = Problem("GatewayUnreachable", text, retryable=True)
        except Exception as error:  # noqa: BLE001  one replica's trouble is a value here, whatever it is
            problems[replica.endpoint] = problem_of(error)

    async with asyncio.TaskGroup() as group:
        for replica in replicas:
            group.create_task(guarded(replica))
    return problems


def fault_of(problems: Mapping[str, Problem]) -> StepFault:
    """Make one error of several replicas' problems: permanent if any is, since no retry would mend that one."""
    endpoint, worst = min(problems.items(), key=lambda item: (item[1].retryable, item[0]))
    more = f" (and {len(problems) - 1} more of the replicas)" if len(problems) > 1 else ""
    kind = Transient if worst.retryable else Permanent
    text = worst.message if endpoint in worst.message else f"{endpoint}: {worst.message}"
    return kind(worst.reason, text + more)
