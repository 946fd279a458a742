"""`herder reasons`: what a condition's, a step's or an Event's reason means, and what to do; docs/reasons.md is all."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

import click

from herder.api.conditions import ConditionType, StalledReason
from herder.api.reasons import CONDITIONS, DRAINED, EVENTS, REACHABLE, READY, RECONCILING, ROUTABLE, Meaning
from herder.workflows.reasons import STEPS, StepReason

_HEAD: Final = """\
<!-- Made from the code: make generate. -->
# Conditions and reasons

A resource's `.status.conditions` follow kstatus. `kubectl describe` shows them, and the message of each says what is
wrong there and what to do about it. This page is for looking a word up; `herder reasons WORD` prints what it says of
one, in a cluster `kubectl -n herder-system exec deploy/herder -- herder reasons WORD`.
"""
_NOTHING: Final = "-"

_OF_CONDITIONS: Final[Mapping[ConditionType, tuple[tuple[StrEnum, Meaning], ...]]] = {
    ConditionType.READY: tuple(READY.items()),
    ConditionType.RECONCILING: tuple(RECONCILING.items()),
    ConditionType.REACHABLE: tuple(REACHABLE.items()),
    ConditionType.ROUTABLE: tuple(ROUTABLE.items()),
    ConditionType.DRAINED: tuple(DRAINED.items()),
}
_STEPS_HEAD: Final = """\
## Steps

`.status.workflow.steps[].reason` says why a step waits, is retried or has failed. Where there is nothing to do it ends
by itself. A run that has failed begins again by itself when the spec, a Secret or the list of replicas changes, and
when a replica that was silent, refused herder or was restarted answers. That something else was mended herder learns by
the annotation `herder.dev/retry`.
"""
_EVENTS_HEAD: Final = """\
## Events

When Ready, or its reason, changes an Event tells it with Ready's reason. Besides:
"""


def page() -> str:
    """Return docs/reasons.md."""
    return "\n".join((_HEAD, *_conditions(), *_steps(), *_events())) + "\n"


def _conditions() -> Iterator[str]:
    for kind, says in CONDITIONS.items():
        yield from (f"## {kind}", "", says, "")
        if kind in _OF_CONDITIONS:
            yield from (f"| reason | {kind} | means | what to do |", "|---|---|---|---|")
            yield from (_condition_row(kind, word, row) for word, row in _OF_CONDITIONS[kind])
            yield ""


def _condition_row(kind: ConditionType, word: StrEnum, row: Meaning) -> str:
    is_stalled = kind is ConditionType.READY and word in StalledReason
    statuses = ", ".join(row.statuses) + (", Stalled" if is_stalled else "")
    return f"| `{word}` | {statuses} | {row.says} | {row.remedy or _NOTHING} |"


def _steps() -> Iterator[str]:
    yield _STEPS_HEAD
    for title, rows in STEPS.items():
        yield from (f"### {title}", "", "| reason | means | what to do |", "|---|---|---|")
        yield from (_step_row(word, row) for word, row in rows.items())
        yield ""


def _step_row(word: str, row: StepReason) -> str:
    return f"| `{word}` | {row.says} | {row.remedy or _NOTHING} |"


def _events() -> Iterator[str]:
    yield from (_EVENTS_HEAD, "| reason | means | what to do |", "|---|---|---|")
    yield from (f"| `{word}` | {row.says} | {row.remedy or _NOTHING} |" for word, row in EVENTS.items())


def explained(word: str) -> Iterator[str]:
    """Return a paragraph for each thing that a reason can be the reason of; none for a word that is not herder's."""
    for kind, rows in _OF_CONDITIONS.items():
        yield from (_paragraph(f"{kind}={'/'.join(m.statuses)}", m) for each, m in rows if each == word)
    for rows_of in STEPS.values():
        yield from (_paragraph("a step", row) for each, row in rows_of.items() if each == word)
    yield from (_paragraph("an Event", row) for each, row in EVENTS.items() if each == word)


def known_words() -> frozenset[str]:
    """Return every reason that herder gives."""
    of_conditions = {str(word) for rows in _OF_CONDITIONS.values() for word, _ in rows}
    of_steps = {word for rows in STEPS.values() for word in rows}
    return frozenset(of_conditions | of_steps | {str(each) for each in EVENTS})


def _spelt(word: str) -> str:
    """Return a reason as herder spells it, whatever its case here; any other word as it is."""
    return next((each for each in known_words() if each.lower() == word.lower()), word)


def nearest(word: str) -> str | None:
    """Return the reason that somebody who wrote this must have meant, whatever the case; None if none is near."""
    words = {each.lower(): each for each in known_words()}
    found = get_close_matches(word.lower(), words, n=1)
    return words[found[0]] if found else None


def _paragraph(of: str, row: Meaning | StepReason) -> str:
    return f"{of}: {row.says}" + (f"\n  What to do: {row.remedy}" if row.remedy else "")


@click.command()
@click.argument("reason", required=False)
def reasons(reason: str | None) -> None:
    """Print what a REASON in a status or an Event means and what to do; without one all of them, in Markdown."""
    if reason is None:
        click.echo(page(), nl=False)
        return
    said = list(explained(_spelt(reason)))
    if not said:
        meant = nearest(reason)
        of = f": do you mean {meant}?" if meant is not None else "; without one all of them are printed"
        raise click.BadParameter(f"{reason!r} is no reason that herder gives{of}", param_hint="REASON")
    click.echo("\n".join(said))
