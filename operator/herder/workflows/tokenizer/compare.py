"""Whose a listed tokenizer is, and whether it is what is declared: pure.

The gateway keeps no labels for tokenizers. So one is ours if it has the id that was recorded when it was loaded; or,
where the answer to a loading was lost, if it has the name and was loaded from the source that was sent. Whatever else
has the name is another's: the gateway itself loads one, named after the model, for each gRPC worker.
"""

from collections.abc import Iterable
from dataclasses import replace

from herder.api.status import EntryState
from herder.gateway.tokenizers import Tokenizer
from herder.net.text import untrusted
from herder.workflows.entry import LOST_ADD, Entry
from herder.workflows.look import Look
from herder.workflows.tokenizer.plan import Content, TokenizerPlan


def look(plan: TokenizerPlan, record: Entry, listed: tuple[Tokenizer, ...]) -> Look:
    """Compare what a replica lists under the name, at most one tokenizer, with the declaration.

    The entry's `verified_at` is None where its state is new: whoever knows the time fills it in.
    """
    if not listed:
        return Look(_unlisted(record), has_it=False)
    tokenizer = listed[0]
    ours = owned_hash(record, tokenizer, (plan.content,))
    if ours is None:
        return Look(_entry(record, EntryState.FOREIGN, tokenizer.id, None), has_it=False, difference=foreign(tokenizer))
    found = difference(plan, ours, tokenizer)
    return Look(_entry(record, EntryState.READY, tokenizer.id, ours), has_it=found is None, difference=found)


def difference(plan: TokenizerPlan, loaded_hash: str, tokenizer: Tokenizer) -> str | None:
    """Return how a tokenizer of ours, loaded with this fingerprint, differs from the declaration; None if it does not.

    A source is compared as listed; of a chat template nothing is listed, so that only the fingerprint tells.
    """
    if tokenizer.source != plan.spec.source:
        return f"it was loaded from {untrusted(tokenizer.source)}, not {untrusted(plan.spec.source)}"
    return None if loaded_hash == plan.spec_hash else "it was loaded with another chat template than is declared"


def owned_hash(record: Entry, tokenizer: Tokenizer, sent: Iterable[Content]) -> str | None:
    """Return the fingerprint that a listed tokenizer of ours was loaded with, None if it is another's.

    `sent` is what a loading whose answer was lost may have asked for.
    """
    if record.worker_id == tokenizer.id:
        return record.spec_hash  # None if it was another's when it was recorded
    if not _may_be_unheard(record):
        return None
    sent = tuple(sent)
    guesses = taken_for(tokenizer, sent)
    if record.spec_hash in guesses:
        return record.spec_hash
    return guesses[0] if any(content.source == tokenizer.source for content in sent) else None


def taken_for(tokenizer: Tokenizer, sent: Iterable[Content]) -> tuple[str, ...]:
    """Return the fingerprints that a tokenizer may have been loaded with; the first is that without a template."""
    templates = dict.fromkeys((None, *(content.chat_template_path for content in sent)))
    return tuple(Content(tokenizer.source, template).fingerprint(tokenizer.name) for template in templates)


def foreign(tokenizer: Tokenizer) -> str:
    """Say that the name is taken, and what can be done about it."""
    return (
        f"a tokenizer of this name is loaded already, from {untrusted(tokenizer.source)}, by somebody else or by the "
        "gateway itself for a gRPC worker: remove it there, or annotate this resource with "
        'herder.dev/adopt: "true" to take it over'
    )


def unsure(record: Entry | None) -> Entry:
    """Return what must be assumed of a replica where a run was killed: its record may be a second old.

    Something may have been unloaded and loaded there since, under an id that nobody has read.
    """
    if record is None or record.worker_id is None:
        return LOST_ADD
    is_ours = record.spec_hash is not None and record.state is EntryState.READY
    return replace(record, state=EntryState.PENDING, verified_at=None) if is_ours else record


def _may_be_unheard(record: Entry) -> bool:
    """Whether a loading may have come to something under an id that is not the recorded one.

    The answer to a POST may have been lost, and a later one fails as soon as the earlier one has taken the name.
    """
    return record.state is EntryState.PENDING or (record.is_lost_add and record.spec_hash is not None)


def _unlisted(record: Entry) -> Entry:
    """Of what is in no list a loading may still be under way: then its record is kept, for the removal needs it."""
    is_under_way = record.state is EntryState.UNREACHABLE and record.spec_hash is not None
    if record.state is EntryState.PENDING or is_under_way:
        return _entry(record, EntryState.PENDING, record.worker_id, record.spec_hash)
    return _entry(record, EntryState.ABSENT, None, None)


def _entry(record: Entry, state: EntryState, tokenizer_id: str | None, spec_hash: str | None) -> Entry:
    verified_at = record.verified_at if state is record.state else None
    return replace(record, state=state, worker_id=tokenizer_id, spec_hash=spec_hash, verified_at=verified_at)
