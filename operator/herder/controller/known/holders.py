"""Which other living resource has an entry of a replica: what it has is taken over by nobody."""

from collections.abc import Iterable

from herder.api.meta import TOKENIZER
from herder.controller.known.objects import Body, Key, Objects, uid_of
from herder.controller.known.subject import Subject
from herder.workflows.owner import Holder, Owner


def holder_in(objects: Objects, subject: Subject) -> Holder:
    """Return what names the resource, other than `subject` and as far as it is known, that has an entry."""

    def holder(owner: Owner | None, entry_id: str) -> str | None:
        key = _owner_of(owner, subject, objects) if owner is not None else _recorder_of(entry_id, subject, objects)
        return _named(key, subject) if key is not None else None

    return holder


def _named(key: Key, subject: Subject) -> str:
    """Return what one is told of a resource: of another namespace's only that it is there."""
    is_near = key.namespace == subject.key.namespace
    return f"{key.kind} {key.namespace}/{key.name}" if is_near else f"a {key.kind} of another namespace"


def _owner_of(owner: Owner, subject: Subject, objects: Objects) -> Key | None:
    """Return whose an entry says to be, if that is there and wants it: another one of its name may declare another."""
    key = Key(subject.key.kind, owner.namespace, owner.name)
    body = objects.get(key)
    if body is None or key == subject.key or owner.installation != subject.installation:
        return None
    claim = subject.family.contested(subject.raw_spec)
    return key if not subject.family.moves or claim in _claims(body, subject) else None


def _claims(body: Body, subject: Subject) -> Iterable[str | None]:
    spec, family = body.get("spec"), subject.family
    return (family.contested(spec if isinstance(spec, dict) else {}), *_held(body, subject))


def _held(body: Body, subject: Subject) -> Iterable[str | None]:
    return (subject.family.registered_key(body), *subject.family.former_keys(body))


def is_in_circle(subject: Subject, claim: str, objects: Objects) -> bool:
    """Whether what a resource wants is another's that waits for its own: two that change places, or more.

    None of them could be registered before another is taken off.
    """
    if subject.gateway is None:
        return False
    others = {key: objects.get(key) for key in objects.referring_to(subject.gateway) if key.kind == subject.key.kind}
    holders = {held: body for body in others.values() if body is not None for held in _held(body, subject)}
    seen: set[str | None] = set()
    wanted: str | None = claim
    while wanted in holders and wanted not in seen:
        seen.add(wanted)
        if uid_of(holders[wanted]) == subject.uid:
            return wanted != claim  # what it has itself it goes back to
        spec = holders[wanted].get("spec")
        wanted = subject.family.contested(spec if isinstance(spec, dict) else {})
    return False


def _recorder_of(entry_id: str, subject: Subject, objects: Objects) -> Key | None:
    """Return the resource whose status has the id as that of what it loaded: a tokenizer does not say whose it is."""
    if subject.key.kind != TOKENIZER.kind:
        return None
    others = (key for key in objects if key.kind == TOKENIZER.kind and key != subject.key)
    return next((key for key in others if _has_recorded(objects.get(key), entry_id)), None)


def _has_recorded(body: Body | None, entry_id: str) -> bool:
    rows = ((body or {}).get("status") or {}).get("replicas") or ()
    return any(row.get("workerId") == entry_id and row.get("specHash") is not None for row in rows)
