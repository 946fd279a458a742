"""The steps of a registration.

A replica that does not answer is left out after a few attempts as long as another one does: it gets the tokenizer when
it is back.
"""

from functools import partial
from typing import ClassVar, Final

from herder.api.status import EntryState
from herder.engine import StepResult, WorkflowContext
from herder.workflows.errors import UNREACHABLE, Problem, Transient
from herder.workflows.fanout import drive, drive_in_reach, fault_of, in_reach, on_each, raise_unless_tolerable
from herder.workflows.step import Step
from herder.workflows.tokenizer.advance import load, observe, refused, settle
from herder.workflows.tokenizer.compare import look
from herder.workflows.tokenizer.converge import Done, Failed, Load, Refuse
from herder.workflows.tokenizer.data import TokenizerRegistration
from herder.workflows.tokenizer.follow import follow
from herder.workflows.tokenizer.ports import Replica

type Context = WorkflowContext[TokenizerRegistration]

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the first look at the others."""


class Find(Step[TokenizerRegistration]):
    """What has the name where. A replica that does not answer is left to the steps that follow."""

    id: ClassVar[str] = "find"

    async def attempt(self, context: Context) -> None:
        """Look at every replica once."""
        data = context.data

        async def note(replica: Replica) -> None:
            listed = await replica.tokenizers.find(data.plan.key)
            found = look(data.plan, data.entry(replica.endpoint), () if listed is None else (listed,)).entry
            data.note(replica.endpoint, found)

        await on_each(data.replicas, note, data, patience_s=_PATIENCE_S)


class LoadMissing(Step[TokenizerRegistration]):
    """Every replica that answers and has nothing under the name has been asked to load the tokenizer."""

    id: ClassVar[str] = "load"

    async def attempt(self, context: Context) -> None:
        """Ask each of them; where the name is another's, say so."""
        data = context.data

        async def begin(replica: Replica) -> None:
            move = await observe(replica, data)
            match move:
                case Load() | Failed():
                    await load(replica, data, data.plan.content)
                case Done(tokenizer):
                    settle(replica, data, tokenizer)
                case Refuse():
                    raise refused(replica, data, move)

        await drive(data, begin, context.attempt)


class AwaitLoaded(Step[TokenizerRegistration]):
    """Every replica that was asked to load the tokenizer has it.

    The gateway tries three times, within 5 s; after that it is asked anew for `budget_s` seconds, for a volume may be
    mounted late. A status that a replica has forgotten counts as a loading that has to begin anew.
    """

    id: ClassVar[str] = "await_loaded"

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s

    async def attempt(self, context: Context) -> None:
        """Look at each of them; ask it again where the loading has failed."""
        data = context.data
        act = partial(follow, data=data, budget_s=self._budget_s, may_swap=False)
        problems = await on_each(in_reach(data), act, data)
        raise_unless_tolerable(_the_undecided_first(problems), len(data.replicas), context.attempt)


class Replace(Step[TokenizerRegistration]):
    """Every replica has the tokenizer as declared, also where another one of herder's, or one adopted, had the name.

    One replica after the other: a name is taken by one tokenizer at a time, so that each is without it for a moment.
    Where the declared one can't be loaded the former one is put back and the run ends; the replicas that were not
    reached yet keep what they have.
    """

    id: ClassVar[str] = "replace"

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s

    async def attempt(self, context: Context) -> StepResult | None:
        """Bring the first replica that is not there yet a move further."""
        data = context.data
        act = partial(follow, data=data, budget_s=self._budget_s, may_swap=True)
        away: dict[str, Problem] = {}
        for replica in in_reach(data):
            if _is_settled(data, replica):
                continue
            for endpoint, problem in (await on_each((replica,), act, data)).items():
                if problem.reason != UNREACHABLE:
                    raise fault_of({endpoint: problem})
                away[endpoint] = problem
        raise_unless_tolerable(away, len(data.replicas), context.attempt)
        return None if data.swapped else StepResult.SKIP


class Verify(Step[TokenizerRegistration]):
    """What each replica that answers lists under the name is what is declared."""

    id: ClassVar[str] = "verify"

    async def attempt(self, context: Context) -> None:
        """Compare; what has gone is asked for again, and looked at in the next attempt."""
        data = context.data

        async def compare(replica: Replica) -> None:
            move = await observe(replica, data)
            if isinstance(move, Done):
                settle(replica, data, move.tokenizer)
                return
            if isinstance(move, Refuse):
                raise refused(replica, data, move)
            if isinstance(move, Load | Failed):
                await load(replica, data, data.plan.content)
            raise Transient("NotAsDeclared", f"{replica.endpoint}: it does not list the tokenizer as declared any more")

        await drive_in_reach(data, compare, context.attempt)


def _is_settled(data: TokenizerRegistration, replica: Replica) -> bool:
    """Whether the last look found what is declared: the next step verifies it."""
    entry = data.entry(replica.endpoint)
    return entry.state is EntryState.READY and entry.spec_hash == data.plan.spec_hash


def _the_undecided_first(problems: dict[str, Problem]) -> dict[str, Problem]:
    """Leave out what is settled for the worse while other replicas are still at it: the run ends when all have."""
    undecided = {e: p for e, p in problems.items() if p.retryable and p.reason != UNREACHABLE}
    return undecided or problems
