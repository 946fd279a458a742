"""One WorkerRegistration as it is on the API server, parsed once, with everything it refers to looked up."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from herder.api.base import InvalidResource, parse
from herder.api.conditions import ReadyReason
from herder.api.meta import ADOPT_ANNOTATION, CANCEL_ANNOTATION, FINALIZER, RETRY_ANNOTATION
from herder.api.served import DeletionPolicy, OnTimeout
from herder.api.status import echo
from herder.api.worker import Drain, WorkerRegistrationSpec, WorkerRegistrationStatus
from herder.controller.decide import Blocked
from herder.controller.objects import Body, Key, Objects, gateway_of, uid_of
from herder.workflows.owner import Owner

_HASH_CHARS: Final = 32


@dataclass(frozen=True)
class Subject:
    """The object behind a key. `spec` is None where it can't be read; `invalid` says why."""

    key: Key
    body: Body
    installation: str
    spec: WorkerRegistrationSpec | None
    invalid: Blocked | None
    status: WorkerRegistrationStatus

    @cached_property
    def uid(self) -> str:
        """Which object it is."""
        return uid_of(self.body)

    @cached_property
    def generation(self) -> int:
        """The version of its spec."""
        return int(self.body["metadata"]["generation"])

    @property
    def owner(self) -> Owner:
        """Whose entries of it are on a gateway."""
        return Owner(self.installation, self.key.namespace, self.key.name, self.uid)

    @property
    def gateway(self) -> Key | None:
        """The gateway that it belongs to."""
        return gateway_of(self.body)

    @property
    def is_deleting(self) -> bool:
        """Whether its deletion was asked for."""
        return "deletionTimestamp" in self.body["metadata"]

    @property
    def finalizers(self) -> list[str]:
        """What holds its deletion."""
        return list(self.body["metadata"].get("finalizers", ()))

    @property
    def has_finalizer(self) -> bool:
        """Whether herder holds its deletion."""
        return FINALIZER in self.finalizers

    @property
    def adopts(self) -> bool:
        """Whether it may take over an entry that herder did not make."""
        return self._annotations.get(ADOPT_ANNOTATION) == "true"

    @property
    def retry(self) -> str | None:
        """The token of the last retry that was asked for."""
        return self._token(RETRY_ANNOTATION)

    @property
    def cancel(self) -> str | None:
        """The token of the last cancellation that was asked for."""
        return self._token(CANCEL_ANNOTATION)

    @property
    def asks_retry(self) -> bool:
        """Whether a retry was asked for that has not been done."""
        done = self.status.last_handled.retry if self.status.last_handled else None
        return self.retry not in {None, done}

    @property
    def asks_cancel(self) -> bool:
        """Whether a cancellation was asked for that has not been done."""
        done = self.status.last_handled.cancel if self.status.last_handled else None
        return self.cancel not in {None, done}

    @property
    def is_touched(self) -> bool:
        """Whether a run has begun that may have left something on a replica."""
        return self.status.worker is not None

    @property
    def keeps_entries(self) -> bool:
        """Whether its entries are to be left when it is deleted."""
        return self.spec is not None and self.spec.deletion_policy is DeletionPolicy.ORPHAN

    @cached_property
    def drain(self) -> Drain:
        """How it is removed. Where it can't be read the defaults hold, or a deletion could wait for ever."""
        if self.spec is not None:
            return self.spec.drain
        try:
            return parse(Drain, (self.body.get("spec") or {}).get("drain") or {}, at="spec.drain")
        except InvalidResource:
            return Drain()

    def overdue_in_s(self, now: datetime) -> float | None:
        """Return how long its removal may yet take until its time is up; None if it has no limit, or is not deleted."""
        since = self.body["metadata"].get("deletionTimestamp")
        if since is None or self.drain.on_timeout is not OnTimeout.FORCE:
            return None
        up_at = datetime.fromisoformat(since) + timedelta(seconds=self.drain.timeout_seconds)
        return max(0.0, (up_at - now).total_seconds())

    def inputs(self, spec_hash: str, endpoints: Iterable[str]) -> str:
        """Return a hash of all that a registration works with; if it changes, what has failed may succeed."""
        parts = [self.generation, spec_hash, self.adopts, sorted(endpoints), self.retry]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_HASH_CHARS]

    @cached_property
    def _annotations(self) -> dict[str, str]:
        return self.body["metadata"].get("annotations") or {}

    def _token(self, annotation: str) -> str | None:
        token = self._annotations.get(annotation)
        return echo(token) if token else None


def subject_of(key: Key, body: Body, installation: str) -> Subject:
    """Parse an object. A status that can't be read, written by another version, counts as none."""
    spec, invalid = None, None
    try:
        spec = parse(WorkerRegistrationSpec, body.get("spec") or {})
    except InvalidResource as error:
        invalid = Blocked(ReadyReason.INVALID_SPEC, str(error))
    return Subject(key, body, installation, spec, invalid, status_of(body))


def status_of(body: dict[str, Any]) -> WorkerRegistrationStatus:
    """Return an object's status."""
    try:
        return parse(WorkerRegistrationStatus, body.get("status") or {}, at="status")
    except InvalidResource:
        return WorkerRegistrationStatus()


def conflict_of(subject: Subject, objects: Objects) -> Blocked | None:
    """Of the resources with one URL on one gateway the oldest wins; return what is said of the others.

    Ages are in whole seconds. Of two that were created within one the first that was begun with counts as the older.
    """
    rivals = ((key, objects.get(key)) for key in objects.rivals(subject.key))
    older = [(_age(body), key) for key, body in rivals if body is not None and _age(body) < _age(subject.body)]
    if not older:
        return None
    winner = min(older, key=lambda item: item[0])[1]
    text = f"spec.url is declared by the older WorkerRegistration {winner.name} already: delete one of the two"
    return Blocked(ReadyReason.CONFLICT, text)


def _age(body: Body) -> tuple[datetime, bool, str]:
    created = datetime.fromisoformat(body["metadata"]["creationTimestamp"])
    return created.astimezone(UTC), status_of(body).worker is None, uid_of(body)
