"""The next call that brings one replica to the declared tokenizer, decided without I/O.

listed      what else                                              next
-           our loading is under way                               Wait
-           the loading of what is declared has failed             Failed
-           else                                                   Load
ours        as declared                                            Done
ours        not as declared                                        Swap
another's   a living resource's, or not adopted                    Refuse
another's   adopted, and as declared as far as a list shows it     Done
another's   adopted                                                Swap
"""

from dataclasses import dataclass
from typing import Final

from herder.gateway.tokenizers import Loading, LoadState, Tokenizer
from herder.workflows.entry import Entry
from herder.workflows.owner import Holder, nobody
from herder.workflows.refusals import CONFLICT, FOREIGN, held
from herder.workflows.tokenizer.compare import difference, foreign, owned_hash, taken_for
from herder.workflows.tokenizer.plan import TokenizerPlan

LOADING: Final = "Loading"

LONGEST_LOADING_S: Final = 600.0
"""How long the gateway lets one loading go on, such as a download (smg 1.13.0)."""


@dataclass(frozen=True, slots=True)
class Load:
    """Have the tokenizer loaded."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Unload what has the name, and have the tokenizer loaded."""

    tokenizer_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A loading has not ended yet."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The replica could not load what is declared; `reason` is in the gateway's own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The tokenizer `tokenizer_id` has the name and may not be touched; `why` is a line for people."""

    tokenizer_id: str
    why: str
    reason: str = FOREIGN


@dataclass(frozen=True, slots=True)
class Done:
    """The replica has the tokenizer as declared."""

    tokenizer: Tokenizer


type Move = Load | Swap | Wait | Failed | Refuse | Done

_UNDER_WAY: Final = frozenset({LoadState.PENDING, LoadState.PROCESSING, LoadState.COMPLETED, LoadState.UNKNOWN})
"""What is completed and not listed was completed since the list was read."""


def next_move(
    plan: TokenizerPlan,
    record: Entry,
    listed: Tokenizer | None,
    loading: Loading | None,
    *,
    adopt: bool,
    holder_of: Holder = nobody,
) -> Move:
    """Decide for one replica.

    `listed` has the name now; `loading` is what the replica says of the recorded id where nothing has, None if it knows
    nothing of it.
    """
    if listed is None:
        return _unlisted(plan, record, loading)
    loaded_hash = owned_hash(record, listed, (plan.content,))
    if loaded_hash is None:
        holder = holder_of(None, listed.id)
        if holder is not None:
            return Refuse(listed.id, held(holder, "a tokenizer of this name"), CONFLICT)
        if not adopt:
            return Refuse(listed.id, foreign(listed))
        loaded_hash = taken_for(listed, ())[0]
    return Done(listed) if difference(plan, loaded_hash, listed) is None else Swap(listed.id)


def _unlisted(plan: TokenizerPlan, record: Entry, loading: Loading | None) -> Move:
    if loading is None:
        return Load()
    if loading.status in _UNDER_WAY:
        return Wait()
    return Failed(loading.reason) if record.spec_hash == plan.spec_hash else Load()
