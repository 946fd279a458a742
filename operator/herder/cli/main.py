"""The command group `herder`."""

import click

from herder import __version__
from herder.cli.crds import crds
from herder.cli.graph import graph
from herder.cli.reasons import reasons
from herder.cli.run import run
from herder.cli.workflows import workflows

_HELP = """A Kubernetes operator for what an inference gateway serves.

It registers, updates, drains and removes LLM workers, middleware modules, MCP servers and tokenizers on every replica
of a gateway, as resources declare them, and shows in their status how far each step has come. What is registered,
kubectl tells: `kubectl get herder`, `kubectl describe wr NAME`.
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="herder")
def herder() -> None:
    """Group the commands."""


herder.add_command(run)
herder.add_command(crds)
herder.add_command(graph)
herder.add_command(reasons)
herder.add_command(workflows)


def main() -> None:
    """Run the command line."""
    herder(prog_name="herder")
