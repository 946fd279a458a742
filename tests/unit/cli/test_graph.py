"""`herder graph`."""

import re

import pytest
from click.testing import CliRunner

from herder.cli.catalog import workflows
from herder.cli.main import herder

EDGE = re.compile(r"    (\w+) (?:-->|-\.->) (\w+)")


@pytest.mark.parametrize("name", workflows())
def test_a_workflow_is_drawn_with_every_step_and_every_dependency(name: str) -> None:
    definition = workflows()[name]

    drawn = CliRunner().invoke(herder, ["graph", name]).output

    head, *lines = drawn.splitlines()
    edges = {match.groups() for line in lines if (match := EDGE.fullmatch(line))}
    steps = {re.split(r"\W+", line.strip())[0] for line in lines if "[" in line}
    assert head == "flowchart LR"
    assert steps == {step.id for step in definition.steps}
    assert edges == {(d, step.id) for step in definition.steps for d in (*step.depends_on, *step.depends_on_any)}


def test_a_step_that_may_be_skipped_is_round() -> None:
    drawn = CliRunner().invoke(herder, ["graph", "worker-removal"]).output

    assert "drain([drain])" in drawn
    assert "find[find]" in drawn


def test_the_help_names_each_workflow() -> None:
    said = CliRunner().invoke(herder, ["graph", "--help"], terminal_width=1000).output

    assert "graph [OPTIONS] WORKFLOW" in said
    assert all(name in said for name in workflows())


def test_a_workflow_that_does_not_exist_is_answered_with_those_that_do() -> None:
    result = CliRunner().invoke(herder, ["graph", "nonsense"])

    assert result.exit_code == 2
    assert all(name in result.output for name in workflows())
