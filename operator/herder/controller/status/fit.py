"""How a status stays small, however many replicas a gateway has and however much they have to say: pure.

A status far above `BUDGET` would be taken by the API server, and be carried about by every watch. What it says for
people is cut first, step by step and only as far as needed; what herder reads back of it, the ids and hashes of each
replica's entry, comes last. That is about 135 bytes for a replica, beside its URL: it stays whole as long as the URLs
of a gateway are no longer than its CRD allows, and only a status that is written by older rules loses rows.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

BUDGET: Final = 60 * 1024
"""Bytes of the JSON; with metadata and spec an object stays below 64 KiB as a rule."""

type Status = dict[str, Any]


def fitted(status: Status) -> Status:
    """Return the status, cut as far as it is too large. What is cut stays cut when it is cut again."""
    for cut in _CUTS:
        if size_of(status) <= BUDGET:
            return status
        status = cut(status)
    return status


def size_of(status: Mapping[str, Any]) -> int:
    """Return how many bytes the status takes on the wire."""
    return len(json.dumps(status, separators=(",", ":"), ensure_ascii=False).encode())


_TIMES: Final = frozenset({"verifiedAt", "unreadableSince"})


def _without_times(status: Status) -> Status:
    """Of each replica it is left out since when its state is what it is."""
    rows = status.get("replicas")
    if rows is None:
        return status
    former = {"former": [{**each, **_without_times(each)} for each in status["former"]]} if "former" in status else {}
    return {**status, "replicas": [{name: row[name] for name in row if name not in _TIMES} for row in rows], **former}


def _without_settled_former(status: Status) -> Status:
    """What is plainly listed under a former key says itself whose it is: it is found again without a row."""
    if "former" not in status:
        return status
    kept = [[row for row in each.get("replicas", ()) if row["state"] != "Ready"] for each in status["former"]]
    former = [{**each, "replicas": rows} for each, rows in zip(status["former"], kept, strict=True)]
    return {**status, "former": former}


def _with_short_lists(field: str, name: str, most: int, status: Status) -> Status:
    shown: Mapping[str, Any] = status.get(field) or {}
    if len(shown.get(name, ())) <= most:
        return status
    return {**status, field: {**shown, name: shown[name][:most]}}


def _with_short_texts(most: int, status: Status) -> Status:
    """Cut the messages of conditions, steps and past runs; what is wrong is said first in each."""
    texts: Status = {name: _short(status[name], most) for name in ("conditions", "history") if name in status}
    run = status.get("workflow")
    if run is not None:
        texts["workflow"] = {**run, "steps": _short(run.get("steps", ()), most)}
    return {**status, **texts}


def _without_history(status: Status) -> Status:
    return {**status, "history": []} if "history" in status else status


def _without_former_rows(status: Status) -> Status:
    """Of what it was before, only the keys are kept: each replica is looked at for them."""
    return (
        {**status, "former": [{**each, "replicas": []} for each in status["former"]]} if "former" in status else status
    )


def _with_rows_that_fit(status: Status) -> Status:
    """Keep the first replicas: of one without a row it must be found out anew what it has."""
    rows, room = [], BUDGET - size_of({**status, "replicas": []})
    for row in status.get("replicas", ()):
        room -= size_of(row) + 1
        if room < 0:
            break
        rows.append(row)
    return {**status, "replicas": rows}


def _short(items: Iterable[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
    return [{**item, "message": _cut(item["message"], most)} if "message" in item else dict(item) for item in items]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


_CUTS: Final[tuple[Callable[[Status], Status], ...]] = (
    partial(_with_short_texts, 256),
    _without_times,
    partial(_with_short_lists, "server", "tools", 16),
    partial(_with_short_lists, "worker", "models", 16),
    partial(_with_short_texts, 96),
    partial(_with_short_lists, "server", "tools", 2),
    partial(_with_short_lists, "worker", "models", 2),
    partial(_with_short_texts, 24),
    _without_history,
    _without_settled_former,
    _without_former_rows,
    _with_rows_that_fit,
)
