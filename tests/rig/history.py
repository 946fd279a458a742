"""Every version of a namespace's resources, as a watch shows them, and the rules that their history keeps.

with History(cluster, namespace) as history:
    …                                  # what is to be recorded
    assert await history.faults() == []
"""

import http.client
import json
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Self
from urllib.parse import urlsplit

from herder.api.base import parse
from herder.api.conditions import Condition
from herder.controller.families import FAMILIES
from rig.control_plane.cluster import Cluster
from rig.kstatus import check
from rig.waiting import POLL_S, eventually

type Version = dict[str, Any]

_SILENCE_S = 600.0
_TRIES = 600
_ENDED = frozenset({"Completed", "Failed", "Cancelled"})


class History:
    """Records the four kinds that runs are made for, from when it is entered."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._lock = Lock()
        self._versions: dict[str, list[Version]] = defaultdict(list)
        self._watches = [_Watch(cluster, self._path(family.kind.plural), self._take) for family in FAMILIES.values()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for watch in self._watches:
            watch.close()

    def versions(self, name: str) -> list[Version]:
        """Every version of the objects that had a name, in order."""
        with self._lock:
            return [
                each for versions in self._versions.values() for each in versions if each["metadata"]["name"] == name
            ]

    async def faults(self) -> list[str]:
        """What breaks the rules in all that was recorded until now, a sentence each."""
        await eventually(self._is_up_to_date)
        drifts = self._drifts()
        with self._lock:
            recorded = {uid: tuple(versions) for uid, versions in self._versions.items()}
        return [
            f"{_name(versions[0])}: {fault}"
            for uid, versions in recorded.items()
            for fault in faults_of(versions, drifts.count(uid))
        ]

    def _take(self, body: Version) -> None:
        with self._lock:
            self._versions[body["metadata"]["uid"]].append(body)

    def _is_up_to_date(self) -> bool:
        """Whether the watches have shown what can be read by now."""
        listed = (self._cluster.get(self._path(family.kind.plural)) or {} for family in FAMILIES.values())
        bodies = [item for each in listed for item in each.get("items", ())]
        with self._lock:
            shown = {uid: _version(versions[-1]) for uid, versions in self._versions.items()}
        return all(_version(body) <= shown.get(body["metadata"]["uid"], 0) for body in bodies)

    def _drifts(self) -> list[str]:
        """The uid of the object of each Event that tells of a repair."""
        found = self._cluster.get(f"/api/v1/namespaces/{self._namespace}/events") or {}
        return [each["involvedObject"]["uid"] for each in found.get("items", ()) if each["reason"] == "Drifted"]

    def _path(self, plural: str) -> str:
        return f"/apis/herder.dev/v1alpha1/namespaces/{self._namespace}/{plural}"


class _Watch:
    """One collection, watched in a thread of its own; `take` is called there with each version."""

    def __init__(self, cluster: Cluster, path: str, take: Callable[[Version], None]) -> None:
        self._cluster = cluster
        self._path = path
        self._connection, self._response = self._open()
        self._socket = self._connection.sock
        self._thread = Thread(target=self._read, args=(take,), daemon=True)
        self._thread.start()

    def _open(self) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        """Begin to watch. An API server that stores a kind for the first time says 429 for a moment."""
        tls = ssl.create_default_context(cafile=str(self._cluster.ca_file))
        headers = {"Authorization": f"Bearer {self._cluster.token}"}
        for _ in range(_TRIES):
            address = urlsplit(self._cluster.server).netloc
            connection = http.client.HTTPSConnection(address, timeout=_SILENCE_S, context=tls)
            connection.request("GET", f"{self._path}?watch=1&timeoutSeconds=3600", headers=headers)
            response = connection.getresponse()
            if response.status == http.client.OK:
                return connection, response
            connection.close()
            time.sleep(POLL_S)
        raise TimeoutError(f"{self._path} can't be watched: {response.status}")

    def _read(self, take: Callable[[Version], None]) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException):
            while line := self._response.readline():
                change = json.loads(line)
                if change["type"] in {"ADDED", "MODIFIED", "DELETED"}:
                    take(change["object"])

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()


def faults_of(versions: Sequence[Version], drifts: int = 0) -> Iterator[str]:
    """Yield what breaks the rules in the history of one object; `drifts` is how often its repair was told.

    - Each status that is written keeps the rules of kstatus, and says which generation it is of, never an older one
      than before.
    - What is said at the end of a generation is said once: it is taken back only for a drift, for a replica that went
      silent, came or left, or where an annotation asks for something.
    - A run that has ended goes on no more.
    """
    yield from _broken_statuses(versions)
    yield from _second_ends(versions)
    withdrawn = sum(_withdrawals(versions))
    if withdrawn > drifts:
        yield f"what was said at the end of a generation was taken back {withdrawn} times, for {drifts} drifts"


def _broken_statuses(versions: Sequence[Version]) -> Iterator[str]:
    before: Version = {}
    for body in versions:
        status = body.get("status") or {}
        if status and status != before and "deletionTimestamp" not in body["metadata"]:
            generation, observed = body["metadata"]["generation"], status.get("observedGeneration")
            conditions = [parse(Condition, each) for each in status.get("conditions", ())]
            yield from check(conditions, generation, observed)
            if observed < before.get("observedGeneration", 0):
                yield f"observedGeneration went back to {observed}"
        before = status


def _withdrawals(versions: Sequence[Version]) -> Iterator[int]:
    """Yield 1 for each time that an end was taken back, with nothing in the object itself that explains it."""
    ends: dict[int, tuple[str, str]] = {}
    grounds: dict[int, Any] = {}
    for body in versions:
        end, generation = _end_of(body), body["metadata"]["generation"]
        former = ends.get(generation)
        if former is not None and end == former:
            continue
        if former is not None and _says_ready(body):
            if grounds[generation] == _grounds(body):
                yield 1
            del ends[generation]
        if end is not None:
            ends[generation], grounds[generation] = end, _grounds(body)


def _end_of(body: Version) -> tuple[str, str] | None:
    """Return what Ready says at the end of its generation; None where that is not reached, or not known."""
    conditions = {each["type"]: each for each in (body.get("status") or {}).get("conditions", ())}
    ready = conditions.get("Ready")
    if ready is None or "Reconciling" in conditions or ready["status"] == "Unknown":
        return None
    if ready["observedGeneration"] != body["metadata"]["generation"]:
        return None
    return ready["status"], ready["reason"]


def _says_ready(body: Version) -> bool:
    """Whether what it says of Ready is of its present generation."""
    conditions = (body.get("status") or {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["observedGeneration"] == body["metadata"]["generation"] for c in conditions)


def _grounds(body: Version) -> object:
    """Return what, when it changes, may well take an end back."""
    status, metadata = body.get("status") or {}, body["metadata"]
    replicas = [(row["endpoint"], row["state"] == "Unreachable") for row in status.get("replicas", ())]
    return metadata.get("annotations"), "deletionTimestamp" in metadata, replicas


def _second_ends(versions: Sequence[Version]) -> Iterator[str]:
    ended: dict[str, tuple[str, object]] = {}
    for body in versions:
        run = (body.get("status") or {}).get("workflow")
        if run is None:
            continue
        asked = body["metadata"].get("annotations")
        status, was_asked = ended.get(run["instanceId"], (run["status"], asked))
        if status != run["status"] and asked == was_asked:
            yield f"{run['instanceId']} was {status} and is {run['status']}"
        if run["status"] in _ENDED:
            ended[run["instanceId"]] = (run["status"], asked)


def _name(body: Version) -> str:
    return f"{body['kind']} {body['metadata']['name']}"


def _version(body: Version) -> int:
    return int(body["metadata"]["resourceVersion"])
