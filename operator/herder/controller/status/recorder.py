"""Events on state changes: bounded, one after another, never waited for. An event that can't be posted is dropped."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from herder.api.conditions import ReadyReason
from herder.api.meta import API_VERSION
from herder.api.reasons import EventReason
from herder.api.status import EPOCH_LIMIT
from herder.controller.cluster.errors import KubeError
from herder.controller.cluster.kube import Kube
from herder.controller.known.objects import Body, Key, said_epoch_of
from herder.workflows.ports import utc_now

log = structlog.get_logger(__name__)

_MOST_WAITING: Final = 1000
_MESSAGE_CHARS: Final = 1024
_COMPONENT: Final = "herder"
type Dropped = Callable[[str], None]
"""Is told of an Event that was not posted: `Full` where too many waited, `Refused` where the API server took it not."""

_NO_TROUBLE: Final = frozenset(
    {ReadyReason.REGISTERING, ReadyReason.REMOVING, ReadyReason.SUSPENDED, ReadyReason.OBSERVED}
)
"""Why a resource may be not ready though nothing is wrong."""


def _untold(_cause: str) -> None:
    return


class EventRecorder:
    """Posts core/v1 Events in the background; see `kubectl describe` and `kubectl events`."""

    def __init__(self, kube: Kube, now: Callable[[], datetime] = utc_now, dropped: Dropped = _untold) -> None:
        self._kube = kube
        self._dropped = dropped
        self._now = now
        self._waiting: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(_MOST_WAITING)
        self._is_flooded = False
        """Whether events were dropped since all that waited were posted: a flood is logged once."""

    def record(self, key: Key, body: Body, *, reason: str, message: str, is_warning: bool) -> None:
        """Tell of a change of the object's state."""
        now = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "metadata": {"generateName": f"{key.name}.", "namespace": key.namespace},
            "involvedObject": _reference(key, body),
            "type": "Warning" if is_warning else "Normal",
            "reason": reason,
            "message": message[:_MESSAGE_CHARS],
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self._waiting.put_nowait((key.namespace, event))
        except asyncio.QueueFull:
            self._dropped("Full")
            if not self._is_flooded:
                log.warning("events.flooded", waiting=self._waiting.qsize())
            self._is_flooded = True

    async def run(self) -> None:
        """Post what is recorded, until cancelled."""
        while True:
            self._is_flooded = self._is_flooded and not self._waiting.empty()
            namespace, event = await self._waiting.get()
            try:
                await self._kube.create(f"/api/v1/namespaces/{namespace}/events", event)
            except KubeError as error:
                self._dropped("Refused")
                log.debug("event.dropped", namespace=namespace, reason=event["reason"], error=str(error))
            except Exception:  # a defect in one event must not end the telling, nor the operator with it
                log.exception("event.defect", namespace=namespace, reason=event["reason"])


def record_transition(recorder: EventRecorder, key: Key, before: Body, status: Mapping[str, Any]) -> None:
    """Record an event if Ready, or its reason, has changed, a Warning unless nothing is wrong."""
    old, new = _ready(before.get("status") or {}), _ready(status)
    if new is None or (old is not None and _state(old) == _state(new)):
        return
    is_stalled = any(c["type"] == "Stalled" for c in status.get("conditions", ()))
    is_fine = new["status"] == "True" or new["reason"] in _NO_TROUBLE
    is_warning = is_stalled or not is_fine
    recorder.record(key, before, reason=new["reason"], message=new["message"], is_warning=is_warning)


def record_disbelief(recorder: EventRecorder, key: Key, before: Body) -> None:
    """Record a Warning if a status was written over whose epoch no operator had written."""
    said = said_epoch_of(before)
    if said >= EPOCH_LIMIT:
        text = f".status.epoch was {said}, which no operator has come to: it is not believed, and was put right"
        recorder.record(key, before, reason=EventReason.EPOCH_NOT_BELIEVED, message=text, is_warning=True)


def _ready(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), None)


def _state(condition: Mapping[str, Any]) -> tuple[str, str]:
    return condition["status"], condition["reason"]


def _reference(key: Key, body: Body) -> dict[str, str]:
    metadata = body["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }
