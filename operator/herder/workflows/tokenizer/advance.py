"""What the steps of a registration do on one replica: look, and make a call."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from herder.api.status import EntryState
from herder.gateway import errors as gateway
from herder.gateway.tokenizers import Loading, Tokenizer
from herder.workflows.entry import Entry
from herder.workflows.errors import Permanent
from herder.workflows.tokenizer.converge import Move, Refuse, next_move
from herder.workflows.tokenizer.data import TokenizerRegistration
from herder.workflows.tokenizer.plan import Content
from herder.workflows.tokenizer.ports import Replica, Tokenizers

_MAY_BE_UNDER_WAY: Final = frozenset({EntryState.PENDING, EntryState.UNREACHABLE})


async def observe(replica: Replica, data: TokenizerRegistration) -> Move:
    """Look what the replica has under the name, and return what is to be done about it."""
    record = data.entry(replica.endpoint)
    listed = await replica.tokenizers.find(data.plan.key)
    loading = await loading_of(replica.tokenizers, record) if listed is None else None
    return next_move(data.plan, record, listed, loading, adopt=data.adopt, holder_of=data.holder)


async def loading_of(tokenizers: Tokenizers, record: Entry) -> Loading | None:
    """Return how the recorded loading stands, None if the replica knows of none or none can be under way."""
    if record.worker_id is None or record.state not in _MAY_BE_UNDER_WAY:
        return None
    with suppress(gateway.Gone):
        return await tokenizers.status(record.worker_id)
    return None


async def load(replica: Replica, data: TokenizerRegistration, content: Content) -> None:
    """Have the replica load `content` under the name."""
    endpoint, record, name = replica.endpoint, data.entries.get(replica.endpoint), data.plan.key
    # Noted before it is sent: a call that is cut off, or whose answer is lost, may have been carried out all the same.
    data.loading_since[endpoint] = data.now()
    data.entries[endpoint] = sent = Entry(EntryState.PENDING, spec_hash=content.fingerprint(name))
    try:
        loading_id = await replica.tokenizers.add_tokenizer(name, content.source, content.chat_template_path)
    except (gateway.Permanent, gateway.Conflict):
        _take_back(data, endpoint, record)
        raise
    data.entries[endpoint] = replace(sent, worker_id=loading_id)


def _take_back(data: TokenizerRegistration, endpoint: str, record: Entry | None) -> None:
    """Nothing came of a POST, that is certain: what was known before it holds again."""
    if record is None:
        del data.entries[endpoint]
    else:
        data.entries[endpoint] = record


async def swap(replica: Replica, data: TokenizerRegistration, tokenizer_id: str) -> None:
    """Unload what has the name, and have what is declared loaded at once: in between the replica has neither."""
    await replica.tokenizers.delete_tokenizer(tokenizer_id)
    data.entries[replica.endpoint] = data.entry(replica.endpoint).gone(data.now())
    await load(replica, data, data.plan.content)


def settle(replica: Replica, data: TokenizerRegistration, tokenizer: Tokenizer) -> None:
    """Note that the replica has the tokenizer as declared."""
    _note_loaded(replica, data, tokenizer.id, data.plan.spec_hash)
    data.vocab_size = tokenizer.vocab_size


def settle_for_former(replica: Replica, data: TokenizerRegistration, tokenizer_id: str) -> None:
    """Note that the replica has what was put back."""
    _note_loaded(replica, data, tokenizer_id, data.entry(replica.endpoint).spec_hash)


def settle_for_nothing(replica: Replica, data: TokenizerRegistration) -> None:
    """Note that the replica has nothing under the name: its last loading has failed, and no other is begun."""
    data.entries[replica.endpoint] = data.entry(replica.endpoint).gone(data.now())


def _note_loaded(replica: Replica, data: TokenizerRegistration, tokenizer_id: str, spec_hash: str | None) -> None:
    known = replace(data.entry(replica.endpoint), worker_id=tokenizer_id, spec_hash=spec_hash)
    data.entries[replica.endpoint] = known.seen(EntryState.READY, data.now())


def refused(replica: Replica, data: TokenizerRegistration, move: Refuse) -> Permanent:
    """Note that the name is another's there, and return the error that says so."""
    record = data.entry(replica.endpoint)
    theirs = replace(record, worker_id=move.tokenizer_id, spec_hash=None)
    data.entries[replica.endpoint] = theirs.seen(EntryState.FOREIGN, data.now())
    return Permanent(move.reason, f"{replica.endpoint}: {move.why}")
