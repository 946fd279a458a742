"""What the two runs of a tokenizer work on: the declaration, the replicas, and what has been done so far."""

from dataclasses import dataclass, field
from datetime import datetime

from herder.api.status import EntryState
from herder.api.tokenizer import LoadedTokenizer
from herder.workflows.owner import Holder, nobody
from herder.workflows.run import RunData
from herder.workflows.tokenizer.plan import Content, TokenizerPlan
from herder.workflows.tokenizer.ports import Replica


@dataclass(slots=True)
class TokenizerRegistration(RunData):
    """The data of one `tokenizer-registration` run. What is by replica is keyed by endpoint.

    `held` is what the status says that the replicas hold: it is put back where the declared one can't be loaded.
    """

    plan: TokenizerPlan
    replicas: tuple[Replica, ...]
    adopt: bool = False
    held: LoadedTokenizer | None = None
    loading_since: dict[str, datetime] = field(default_factory=dict)
    """When a replica was asked for the loading that it was asked for last."""
    failing_since: dict[str, datetime] = field(default_factory=dict)
    """When a replica was first seen to fail at loading."""
    failing: dict[str, str] = field(default_factory=dict)
    """What is said of a replica that has failed at loading, for as long as it is asked anew."""
    put_back: dict[str, str] = field(default_factory=dict)
    """Why a replica could not load what is declared and gets what it had before."""
    given_up: dict[str, str] = field(default_factory=dict)
    """Why a replica does not get what is declared, once that is settled."""
    swapped: set[str] = field(default_factory=set)
    """The replicas on which something had the name that was not as declared."""
    vocab_size: int | None = None
    holder: Holder = nobody

    @property
    def former(self) -> Content | None:
        """Return what can be put back: what was loaded under the name before, if that was something else."""
        held = self.held
        if held is None or held.name != self.plan.key or held.source is None:
            return None
        content = Content(held.source, held.chat_template_path)
        return None if content == self.plan.content else content

    @property
    def is_held_as_declared(self) -> bool:
        """Whether a replica has what is declared, and none has something else that herder loaded."""
        hashes = {entry.spec_hash for entry in self.entries.values() if entry.state is EntryState.READY}
        return hashes == {self.plan.spec_hash}


@dataclass(slots=True)
class TokenizerRemoval(RunData):
    """The data of one `tokenizer-removal` run. `entries` begins as what the registration left, lost loadings included.

    `sent` is what may have been loaded under `name` by loadings whose answer was lost: as declared, and as shown.
    """

    name: str
    replicas: tuple[Replica, ...]
    sent: tuple[Content, ...] = ()
    silent_since: dict[str, datetime] = field(default_factory=dict)
    """When a replica that may still be loading under an unknown id was first seen to list nothing."""


def shown(data: TokenizerRegistration) -> LoadedTokenizer:
    """Return what the replicas hold, as far as is known: what they held before until all have what is declared."""
    plan = data.plan
    if data.is_held_as_declared:
        return LoadedTokenizer(
            name=plan.key,
            source=plan.spec.source,
            chat_template_path=plan.spec.chat_template_path,
            vocab_size=data.vocab_size,
        )
    return data.held if data.held is not None and data.held.name == plan.key else LoadedTokenizer(name=plan.key)
