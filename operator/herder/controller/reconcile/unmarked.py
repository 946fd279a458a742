"""Entries that are to be left when their resource goes, where a replica that is away could not be told so yet."""

from collections.abc import Mapping
from contextlib import suppress

from herder.api.conditions import ReadyReason
from herder.controller.cluster.secrets import SecretMissing
from herder.controller.fleet.gateways import Gateway
from herder.controller.known.blocked import Blocked
from herder.controller.known.subject import Subject
from herder.controller.reconcile.declaring import Declaring
from herder.workflows.entry import NO_ENTRY, Entry, is_held


async def unmarked(
    subject: Subject, holder: Gateway | None, records: Mapping[str, Entry], declaring: Declaring
) -> Blocked | None:
    """Return what is said where a replica that is away may hold an entry that is to be left, and does not say so.

    An entry says so if it was sent since the policy is Orphan: then its hash is that of what is declared.
    """
    if holder is None or not subject.keeps_entries or not (subject.family.is_listed and subject.family.is_swept):
        return None
    silent = [endpoint for endpoint, view in holder.views.items() if view.is_away]
    found = {e for e in silent if any(is_held(of.get(e, NO_ENTRY)) for of in subject.former.values())}
    away = [e for e in silent if e in records and records[e].worker_id]
    if away:
        told = await _told(subject, holder, declaring)
        found.update(endpoint for endpoint in away if records[endpoint].spec_hash != told)
    return _blocked(sorted(found)) if found else None


async def _told(subject: Subject, holder: Gateway, declaring: Declaring) -> str | None:
    """Return the hash of what is declared, None where that can't be read."""
    if subject.spec is not None:
        with suppress(SecretMissing):
            return (await declaring.declared(subject, holder)).spec_hash
    return None


def _blocked(endpoints: list[str]) -> Blocked:
    text = (
        f"what it has on {', '.join(endpoints)} is to be left, and does not say so there yet: it goes when that "
        "answers and was told, or when its time is over"
    )
    return Blocked(ReadyReason.GATEWAY_UNREACHABLE, text)
