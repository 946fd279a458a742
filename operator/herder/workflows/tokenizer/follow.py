"""Following one replica's loading to its end: a good one, or what was loaded before put back."""

from datetime import timedelta
from typing import Final, assert_never

from herder.net.text import untrusted
from herder.workflows.errors import Permanent, Transient, Waiting
from herder.workflows.tokenizer.advance import (
    load,
    observe,
    refused,
    settle,
    settle_for_former,
    settle_for_nothing,
    swap,
)
from herder.workflows.tokenizer.converge import LOADING, LONGEST_LOADING_S, Done, Failed, Load, Move, Refuse, Swap, Wait
from herder.workflows.tokenizer.data import TokenizerRegistration
from herder.workflows.tokenizer.ports import Replica

LOAD_FAILED: Final = "LoadFailed"


async def follow(replica: Replica, data: TokenizerRegistration, *, budget_s: float, may_swap: bool) -> None:
    """Make the replica's next move; return once it has the tokenizer as declared.

    Return, too, where that needs a swap which it may not make. Raises Waiting while a loading is under way, Transient
    while it is one after a failure, Permanent where that has no use any more, and GatewayError. Repeating
    it is always safe: it looks before it acts.
    """
    if replica.endpoint in data.given_up:
        raise Permanent(LOAD_FAILED, data.given_up[replica.endpoint])
    move = await observe(replica, data)
    if replica.endpoint in data.put_back:
        _follow_put_back(replica, data, move)
        return
    match move:
        case Done(tokenizer):
            settle(replica, data, tokenizer)
        case Wait():
            raise _loading(replica, data)
        case Load():
            await load(replica, data, data.plan.content)
            raise _loading(replica, data)
        case Swap(tokenizer_id):
            if may_swap:
                data.swapped.add(replica.endpoint)
                await swap(replica, data, tokenizer_id)
                raise _loading(replica, data)
        case Failed(reason):
            await _load_again(replica, data, reason, budget_s)
        case Refuse():
            raise refused(replica, data, move)
        case _:
            assert_never(move)


async def _load_again(replica: Replica, data: TokenizerRegistration, reason: str, budget_s: float) -> None:
    """Put back what was loaded before, at once if there was something; else try again within the budget."""
    endpoint, former = replica.endpoint, data.former
    why = f"{endpoint} can't load {untrusted(data.plan.spec.source)}: {reason}"
    if former is not None:
        data.put_back[endpoint] = why
        await load(replica, data, former)
        raise _putting_back(why)
    ends = data.failing_since.setdefault(endpoint, data.now()) + timedelta(seconds=budget_s)
    if data.now() >= ends:
        settle_for_nothing(replica, data)
        raise _given_up(replica, data, why)
    data.failing[endpoint] = f"{why}; it is tried until {ends:%H:%M:%SZ}"
    await load(replica, data, data.plan.content)
    raise Transient(LOAD_FAILED, data.failing[endpoint])


def _follow_put_back(replica: Replica, data: TokenizerRegistration, move: Move) -> None:
    """Raise what became of the tokenizer that was to be put back; return if the replica has the declared one."""
    why = data.put_back[replica.endpoint]
    match move:
        case Done(tokenizer):
            settle(replica, data, tokenizer)
        case Wait():
            raise _putting_back(why)
        case Swap(tokenizer_id):
            settle_for_former(replica, data, tokenizer_id)
            raise _given_up(replica, data, f"{why}. What was loaded before was put back")
        case Load() | Failed():
            settle_for_nothing(replica, data)
            raise _given_up(replica, data, f"{why}. What was loaded before can't be loaded any more either")
        case Refuse():
            raise refused(replica, data, move)
        case _:
            assert_never(move)


def _given_up(replica: Replica, data: TokenizerRegistration, why: str) -> Permanent:
    data.given_up[replica.endpoint] = why
    return Permanent(LOAD_FAILED, why)


def _loading(replica: Replica, data: TokenizerRegistration) -> Transient:
    """Return what is said of a loading that is under way: of one that follows on a failure, why that was.

    While it is, the gateway itself says no more than that it is (measured on smg 1.13.0).
    """
    endpoint = replica.endpoint
    if endpoint in data.failing:
        return Transient(LOAD_FAILED, data.failing[endpoint])
    since = data.loading_since.setdefault(endpoint, data.now())
    ends = since + timedelta(seconds=LONGEST_LOADING_S)
    span = f"since {since:%H:%M:%SZ}, and ends that by {ends:%H:%M:%SZ}"
    return Waiting(LOADING, f"{endpoint}: the gateway has been loading it {span}")


def _putting_back(why: str) -> Waiting:
    return Waiting(LOADING, f"{why}. What was loaded before is being put back")
