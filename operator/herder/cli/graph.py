"""`herder graph`: a workflow's steps as a Mermaid diagram."""

from collections.abc import Iterator
from typing import Any

import click

from herder.cli.catalog import workflows
from herder.engine import WorkflowDefinition


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


_HELP = f"""Print a WORKFLOW's steps as a Mermaid flowchart. Rounded steps may be skipped.

WORKFLOW is one of {", ".join(sorted(workflows()))}.
"""


@click.command(help=_HELP)
@click.argument("workflow", type=click.Choice(sorted(workflows())), metavar="WORKFLOW")
def graph(workflow: str) -> None:
    """Print a workflow's steps as a Mermaid flowchart."""
    click.echo(mermaid(workflows()[workflow]), nl=False)
