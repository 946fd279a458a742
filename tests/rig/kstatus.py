"""What readers of a status rely on, as a checker for tests: the rules of kstatus and of Flux's condition checks.

Sources: kubernetes-sigs/cli-utils, pkg/kstatus (how a status is read) and fluxcd/pkg, runtime/conditions/check (what a
controller may write); the condition's own shape is metav1.Condition.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from herder.api.conditions import Condition, ConditionType, Truth

_REASON: Final = re.compile(r"[A-Z][A-Za-z0-9]*")


def check(conditions: Sequence[Condition], generation: int, observed_generation: int | None) -> list[str]:
    """The rules that a status breaks, a sentence each; empty when it keeps them all.

    `generation` is the object's, as the writer of the status saw it; `observed_generation` is the status's own.
    """
    by_type = {condition.type: condition for condition in conditions}
    return [
        *_shape(conditions),
        *_generations(conditions, generation, observed_generation),
        *_work(by_type),
        *_readiness(by_type, generation, observed_generation),
    ]


def _shape(conditions: Sequence[Condition]) -> Iterator[str]:
    for kind, count in Counter(condition.type for condition in conditions).items():
        if count > 1:
            yield f"{kind} is there {count} times; conditions are a map by type"
    for condition in conditions:
        if not _REASON.fullmatch(condition.reason):
            yield f"{condition.type} has the reason {condition.reason!r}, which is no CamelCase word"


def _generations(conditions: Sequence[Condition], generation: int, observed: int | None) -> Iterator[str]:
    if observed is None:
        yield "observedGeneration is missing"
        return
    if observed > generation:
        yield f"observedGeneration {observed} is ahead of the object's generation {generation}"
    for condition in conditions:
        if condition.observed_generation > observed:
            yield f"{condition.type} is of generation {condition.observed_generation}, the status only of {observed}"


def _work(by_type: dict[str, Condition]) -> Iterator[str]:
    reconciling, stalled = by_type.get(ConditionType.RECONCILING), by_type.get(ConditionType.STALLED)
    for condition in (reconciling, stalled):
        if condition and condition.status is not Truth.TRUE:
            yield f"{condition.type} is {condition.status}; it may be there only while it is True"
    if reconciling and stalled:
        yield "Reconciling and Stalled are there together"


def _readiness(by_type: dict[str, Condition], generation: int, observed: int | None) -> Iterator[str]:
    ready = by_type.get(ConditionType.READY)
    if ready is None:
        yield "Ready is missing"
        return
    if ConditionType.STALLED in by_type and ready.status is not Truth.FALSE:
        yield f"Ready is {ready.status} although Stalled is there; it must be False"
    if ready.status is Truth.UNKNOWN and ConditionType.RECONCILING not in by_type:
        yield "Ready is Unknown without Reconciling; nobody would be at work to find out"
    if ready.status is Truth.TRUE:
        yield from _ready_is_current(by_type, generation, observed)


def _ready_is_current(by_type: dict[str, Condition], generation: int, observed: int | None) -> Iterator[str]:
    if observed != generation:
        yield f"Ready is True although generation {generation} has not been observed"
    for condition in by_type.values():
        if condition.observed_generation != observed:
            found = condition.observed_generation
            yield f"Ready is True, but {condition.type} is of generation {found}, not of {observed}"
