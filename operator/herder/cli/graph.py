"""`herder graph`: a workflow's steps as a Mermaid diagram."""

from collections.abc import Iterator
from typing import Any, Final

import click

from herder.engine import WorkflowDefinition
from herder.workflows.registration import registration
from herder.workflows.removal import removal

_ANY_BUDGET_S: Final = 1800


def workflows() -> dict[str, WorkflowDefinition[Any]]:
    """Return every workflow by the name that a status gives it."""
    definitions: tuple[WorkflowDefinition[Any], ...] = (registration(_ANY_BUDGET_S), removal(_ANY_BUDGET_S))
    return {definition.name or definition.id: definition for definition in definitions}


def mermaid(definition: WorkflowDefinition[Any]) -> str:
    """Return a definition as a Mermaid flowchart; dashed arrows are dependencies of which one is enough."""
    return "\n".join(_lines(definition)) + "\n"


def _lines(definition: WorkflowDefinition[Any]) -> Iterator[str]:
    yield "flowchart LR"
    for step in definition.steps:
        yield f"    {step.id}([{step.id}])" if step.run_if else f"    {step.id}[{step.id}]"
    for step in definition.steps:
        for dependency in step.depends_on:
            yield f"    {dependency} --> {step.id}"
        for dependency in step.depends_on_any:
            yield f"    {dependency} -.-> {step.id}"


@click.command()
@click.argument("workflow", type=click.Choice(sorted(workflows())))
def graph(workflow: str) -> None:
    """Print a WORKFLOW's steps as a Mermaid flowchart. Rounded steps may be skipped."""
    click.echo(mermaid(workflows()[workflow]), nl=False)
