"""One resource of a kind that is served, as it is on the API server, parsed once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from herder.api.base import InvalidResource, parse
from herder.api.conditions import ConditionType, ReadyReason
from herder.api.meta import ADOPT_ANNOTATION, CANCEL_ANNOTATION, FINALIZER, MODEL_GATEWAY, RETRY_ANNOTATION
from herder.api.served import DeletionPolicy, OnTimeout, ServedSpec
from herder.api.status import Draining, WorkflowStatus, echo
from herder.controller.families import family_of
from herder.controller.families.family import Family
from herder.controller.families.work import Former, Terms
from herder.controller.known.blocked import Blocked
from herder.controller.known.objects import Body, Key, Objects, gateway_of, uid_of
from herder.workflows.digest import digest
from herder.workflows.owner import Owner


@dataclass(frozen=True)
class Standing:
    """Where a resource is registered: the gateway, and the key on its replicas."""

    gateway: Key
    key: str

    @property
    def hash(self) -> str:
        """What a run of its removal works with, short enough for a status."""
        return digest(str(self.gateway), self.key)


@dataclass(frozen=True)
class Subject:
    """The object behind a key. `spec` is None where it can't be read; `invalid` says why."""

    key: Key
    body: Body
    installation: str
    family: Family[Any]
    spec: ServedSpec | None
    invalid: Blocked | None
    status: WorkflowStatus

    @cached_property
    def uid(self) -> str:
        """Which object it is."""
        return uid_of(self.body)

    @cached_property
    def generation(self) -> int:
        """The version of its spec."""
        return int(self.body["metadata"]["generation"])

    @property
    def created_at(self) -> datetime:
        """When it was created, to the second."""
        return datetime.fromisoformat(self.body["metadata"]["creationTimestamp"]).astimezone(UTC)

    @property
    def owner(self) -> Owner:
        """Whose entries of it are on a gateway."""
        return Owner(self.installation, self.key.namespace, self.key.name, self.uid)

    @cached_property
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
    def is_stalled(self) -> bool:
        """Whether its status says that it waits for a person, or for a changed input."""
        return any(condition.type == ConditionType.STALLED for condition in self.status.conditions)

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

    @cached_property
    def registered(self) -> Standing | None:
        """Where a run has begun that may have left something on a replica; None if none has."""
        gateway, key = self._holder, self.family.registered_as(self.status)
        return Standing(gateway, key) if gateway is not None and key is not None else None

    @cached_property
    def former(self) -> Former:
        """What it may have under keys that it had before, beside what it is registered as."""
        return self.family.former(self.status)

    def before(self, key: str) -> "Subject | None":
        """Return what it would be with a key that it had before, and all else as it is declared now."""
        spec = self.family.before(self.spec, key) if self.spec is not None else None
        return replace(self, spec=spec) if spec is not None else None

    @property
    def _holder(self) -> Key | None:
        """A status that names no gateway is of a time when a resource could not change it."""
        name = self.status.gateway
        return self.gateway if name is None else Key(MODEL_GATEWAY.kind, self.key.namespace, name)

    @property
    def keeps_entries(self) -> bool:
        """Whether its entries are to be left when it is deleted, also where the rest of the spec can't be read."""
        return self.raw_spec.get("deletionPolicy") == DeletionPolicy.ORPHAN

    @property
    def raw_spec(self) -> Mapping[str, Any]:
        """The spec, whatever it holds."""
        spec = self.body.get("spec")
        return spec if isinstance(spec, dict) else {}

    @cached_property
    def terms(self) -> Terms:
        """How it is removed."""
        return self.family.terms(self.raw_spec)

    @property
    def leaving_since(self) -> datetime | None:
        """When its removal was asked for, or begun where it is to be registered elsewhere; None if neither was."""
        since = self.body["metadata"].get("deletionTimestamp")
        if since is not None:
            return datetime.fromisoformat(since).astimezone(UTC)
        return self.status.drain.started_at if self.status.drain is not None else None

    def deadline(self, since: datetime) -> datetime | None:
        """Return when a removal that began then is given up; None if it has no limit."""
        if self.terms.on_timeout is not OnTimeout.FORCE:
            return None
        return since + timedelta(seconds=self.terms.timeout_s)

    def overdue_in_s(self, now: datetime) -> float | None:
        """Return how long its removal may yet take until its time is up; None if it has no limit, or does not leave."""
        since = self.leaving_since
        up_at = self.deadline(since) if since is not None else None
        return None if up_at is None else max(0.0, (up_at - now).total_seconds())

    def draining(self, base: WorkflowStatus, now: datetime, in_flight: int | None = None) -> Draining:
        """Return what a status shows of its removal, given the status as it is."""
        started_at = base.drain.started_at if base.drain is not None else now
        since = self.leaving_since if self.is_deleting else started_at
        deadline = self.deadline(since) if since is not None else None
        return Draining(started_at=started_at, deadline=deadline, in_flight=in_flight)

    def inputs(self, spec_hash: str, endpoints: Iterable[str]) -> str:
        """Return a hash of all that a registration works with; if it changes, what has failed may succeed."""
        return digest(self.generation, spec_hash, self.adopts, sorted(endpoints), self.retry)

    @cached_property
    def _annotations(self) -> dict[str, str]:
        return self.body["metadata"].get("annotations") or {}

    def _token(self, annotation: str) -> str | None:
        token = self._annotations.get(annotation)
        return echo(token) if token else None


def subject_of(key: Key, body: Body, installation: str) -> Subject:
    """Parse an object. A status that can't be read, written by another version, counts as none."""
    family = family_of(body)
    spec, invalid = None, None
    try:
        spec = parse(family.spec, body.get("spec") or {})
    except InvalidResource as error:
        invalid = Blocked(ReadyReason.INVALID_SPEC, str(error))
    return Subject(key, body, installation, family, spec, invalid, status_of(body))


def status_of(body: Body) -> WorkflowStatus:
    """Return an object's status."""
    model = family_of(body).status
    try:
        return parse(model, body.get("status") or {}, at="status")
    except InvalidResource:
        return model()


def conflict_of(subject: Subject, objects: Objects) -> Blocked | None:
    """Of the resources that claim the same on one gateway the oldest wins; return what is said of the others.

    Ages are in whole seconds. Of two that were created within one the first that was begun with counts as the older.
    """
    rivals = ((key, objects.get(key)) for key in objects.rivals(subject.key))
    older = [(_age(body), key) for key, body in rivals if body is not None and _age(body) < _age(subject.body)]
    if not older:
        return None
    winner = min(older, key=lambda item: item[0])[1]
    text = (
        f"{subject.family.contested_field} is declared by the older {winner.kind} {winner.name} already: "
        f"delete one of the two{_or_correct(subject.family.contested_field)}"
    )
    return Blocked(ReadyReason.CONFLICT, text)


def _or_correct(field: str) -> str:
    """What else ends a conflict, where the field can be changed."""
    return f", or correct {field}" if field.startswith("spec.") else ""


def _age(body: Body) -> tuple[datetime, bool, str]:
    created = datetime.fromisoformat(body["metadata"]["creationTimestamp"])
    return created.astimezone(UTC), family_of(body).registered_key(body) is None, uid_of(body)
