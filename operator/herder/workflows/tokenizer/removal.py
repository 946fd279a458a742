"""Taking one tokenizer off one replica: observe, decide, make at most one call that changes anything.

A DELETE of what is still being loaded is answered with 404 and cancels nothing: it appears when it is loaded (measured
on smg 1.13.0). So:

    listed      what else                                       next
    ours        -                                               Delete
    -           our loading is under way                        Wait
    -           its id was lost, and it may be under way        Wait      (a loading from a disk ends within 5 s)
    -           nothing, or our loading has failed              Gone
    another's   -                                               Gone      (while it has the name ours can't get it)
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final, assert_never

from herder.api.status import EntryState
from herder.engine import WorkflowContext
from herder.gateway.tokenizers import Loading, LoadState, Tokenizer
from herder.workflows.entry import REGISTERED, Entry
from herder.workflows.errors import Waiting
from herder.workflows.fanout import insist, on_each
from herder.workflows.step import Step
from herder.workflows.tokenizer.advance import loading_of
from herder.workflows.tokenizer.compare import owned_hash
from herder.workflows.tokenizer.converge import LOADING
from herder.workflows.tokenizer.data import TokenizerRemoval
from herder.workflows.tokenizer.plan import Content
from herder.workflows.tokenizer.ports import Replica

type Context = WorkflowContext[TokenizerRemoval]

_PATIENCE_S: Final = 2.0
"""How long a replica that hangs may hold up the others."""

_QUIET: Final = timedelta(seconds=10)
"""How long a replica that may be loading under an unknown id is watched: three attempts at a disk take it 5 s."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Unload this one."""

    tokenizer_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later; `why` is a line for people."""

    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The replica has no tokenizer of ours and will get none."""


type Move = Delete | Wait | Gone

UNDER_WAY: Final = Wait(LOADING, "the gateway is still loading it, which nothing can cancel: it is removed after that")
UNHEARD: Final = Wait("Checking", "a loading may have been cut off there: waiting whether something comes of it")


def next_move(
    record: Entry, listed: Tokenizer | None, loading: Loading | None, sent: tuple[Content, ...], *, is_quiet: bool
) -> Move:
    """Decide for one replica; `is_quiet` says that a lost loading would be listed by now."""
    if listed is not None:
        return Gone() if owned_hash(record, listed, sent) is None else Delete(listed.id)
    if loading is not None:
        return Gone() if loading.status is LoadState.FAILED else UNDER_WAY
    return UNHEARD if record.is_lost_add and not is_quiet else Gone()


async def retire(replica: Replica, data: TokenizerRemoval) -> None:
    """Make the replica's next move; return once it has no tokenizer of ours and will get none.

    Raises Waiting while that is not so, and GatewayError. Repeating it is always safe: it looks before it acts.
    """
    endpoint = replica.endpoint
    record = data.entry(endpoint)
    listed = await replica.tokenizers.find(data.name)
    loading = await loading_of(replica.tokenizers, record) if listed is None else None
    move = next_move(record, listed, loading, data.sent, is_quiet=_is_quiet(data, endpoint))
    match move:
        case Delete(tokenizer_id):
            await replica.tokenizers.delete_tokenizer(tokenizer_id)
            data.entries[endpoint] = record.gone(data.now())
        case Wait(reason, why):
            data.entries[endpoint] = record.seen(EntryState.PENDING, data.now())
            raise Waiting(reason, f"{endpoint}: {why}")
        case Gone():
            data.entries[endpoint] = record.gone(data.now())
        case _:
            assert_never(move)


def _is_quiet(data: TokenizerRemoval, endpoint: str) -> bool:
    since = data.silent_since.setdefault(endpoint, data.now())
    return data.now() - since >= _QUIET


class Find(Step[TokenizerRemoval]):
    """Where it is loaded. A replica that does not answer is left to the last step, which insists."""

    id: ClassVar[str] = "find"

    async def attempt(self, context: Context) -> None:
        """Look at every replica once. The record of a loading that may be under way is kept."""
        data = context.data

        async def look(replica: Replica) -> None:
            record = data.entry(replica.endpoint)
            listed = await replica.tokenizers.find(data.name)
            loaded_hash = None if listed is None else owned_hash(record, listed, data.sent)
            if listed is not None and loaded_hash is not None:
                found = replace(record, worker_id=listed.id, spec_hash=loaded_hash)
                data.entries[replica.endpoint] = found.seen(EntryState.READY, data.now())
            elif record.state in REGISTERED:
                data.entries[replica.endpoint] = record.gone(data.now())

        await on_each(data.replicas, look, data, patience_s=_PATIENCE_S)


def is_listed_anywhere(context: Context) -> bool:
    """Whether there is anything to unload at once."""
    return any(entry.state in REGISTERED for entry in context.data.entries.values())


class Unload(Step[TokenizerRemoval]):
    """Every replica that lists it has been told to unload it: requests that name it fail from now on."""

    id: ClassVar[str] = "unload"

    async def attempt(self, context: Context) -> None:
        """Send each of them its DELETE. What fails here is looked after by the last step, which insists."""
        data = context.data
        listing = [replica for replica in data.replicas if data.entry(replica.endpoint).state in REGISTERED]
        await on_each(listing, partial(retire, data=data), data, patience_s=_PATIENCE_S)


class Confirm(Step[TokenizerRemoval]):
    """No replica has it or will get it: what was away, being loaded or came back meanwhile is removed here, too."""

    id: ClassVar[str] = "confirm"

    async def attempt(self, context: Context) -> None:
        """Make each replica's next move until none has one."""
        data = context.data
        await insist(data, partial(retire, data=data))
