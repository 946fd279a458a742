"""`herder workflows`: what each workflow does, step by step, as a page of Markdown read off the definitions."""

from collections.abc import Iterator
from typing import Any, Final

import click

from herder.cli.catalog import workflows as catalog
from herder.cli.graph import mermaid
from herder.engine import (
    Backoff,
    ExponentialBackoff,
    FailureAction,
    FixedBackoff,
    LinearBackoff,
    RetryPolicy,
    StepDefinition,
    WorkflowDefinition,
)

_HEAD: Final = """\
# The workflows, step by step

Written by `make generate` from the definitions; don't edit.

A step begins when all that it waits for has succeeded or was Skipped, and drives all replicas of the gateway at once.
An attempt that fails is made again unless its error says that none can help. Where pauses double, a random part of up
to a half is taken off each, so that what failed together does not come back together. The budgets are those of a
resource that says nothing of them. A round step is Skipped where it does not apply; others may find that there is
nothing to do, and be Skipped, too. A run that fails says why in `.status`, and another begins when something that it
works with has changed.
"""
_TABLE: Final = """\
| step | what it sees to | waits for | attempts | one attempt takes at most | given up |
|---|---|---|---|---|---|
"""
_GIVEN_UP: Final = {
    FailureAction.FAIL_WORKFLOW: "the run fails",
    FailureAction.CONTINUE_NEXT_STEP: "the run goes on without it",
    FailureAction.RETRY_INDEFINITELY: "never, unless no attempt can help",
}


def page() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *(_section(name, definition) for name, definition in catalog().items())])


def _section(name: str, definition: WorkflowDefinition[Any]) -> str:
    rows = "".join(f"| {' | '.join(_cells(step, definition))} |\n" for step in definition.steps)
    return f"## {name}\n\n```mermaid\n{mermaid(definition)}```\n\n{_TABLE}{rows}"


def _cells(step: StepDefinition[Any], definition: WorkflowDefinition[Any]) -> Iterator[str]:
    yield f"`{step.id}`" + (" (may be Skipped)" if step.run_if else "")
    yield _what_holds(step)
    yield _waits_for(step)
    yield attempts(step.retry or definition.default_retry)
    yield _seconds(definition.default_timeout if step.timeout is None else step.timeout)
    yield _GIVEN_UP[step.failure_action]


def _what_holds(step: StepDefinition[Any]) -> str:
    """Return the first paragraph of the step's own docstring, which is its contract."""
    paragraph = (step.run.__doc__ or "").partition("\n\n")[0]
    return " ".join(paragraph.split())


def _waits_for(step: StepDefinition[Any]) -> str:
    every = ", ".join(f"`{dependency}`" for dependency in step.depends_on)
    any_of = " or ".join(f"`{dependency}`" for dependency in step.depends_on_any)
    return ", ".join(filter(None, [every, any_of])) or "-"


def attempts(policy: RetryPolicy) -> str:
    """Say how often an attempt is made, and how long the pauses are."""
    limit_s = policy.backoff.max_elapsed if isinstance(policy.backoff, ExponentialBackoff) else None
    number = f"{policy.max_attempts}" if policy.max_attempts is not None else ""
    time = f"{'within' if number else 'for'} {_seconds(limit_s)}" if limit_s is not None else ""
    return f"{' '.join(filter(None, [number, time])) or 'without limit'}, {_pauses(policy.backoff)}"


def _pauses(backoff: Backoff) -> str:
    match backoff:
        case FixedBackoff(seconds):
            return f"{_seconds(seconds)} apart"
        case LinearBackoff(increment, maximum):
            return f"{_seconds(increment)} apart, {_seconds(increment)} more each time up to {_seconds(maximum)}"
        case ExponentialBackoff(base, maximum) if base >= maximum:
            return f"{_seconds(maximum)} apart"
        case ExponentialBackoff(base, maximum):
            return f"{_seconds(base)} apart, doubled up to {_seconds(maximum)}"
    return "apart as it is declared"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


@click.command()
def workflows() -> None:
    """Print what each workflow does, step by step: policies, timeouts and what a failure does, in Markdown."""
    click.echo(page(), nl=False)
