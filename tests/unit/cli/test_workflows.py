"""`herder workflows`: the page of the documentation, and how it puts policies into words."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from herder.cli.catalog import workflows
from herder.cli.main import herder
from herder.cli.workflows import attempts
from herder.engine import ExponentialBackoff, FixedBackoff, LinearBackoff, RetryPolicy

PAGE = Path(__file__).resolve().parents[3] / "docs" / "workflows.md"


def test_the_page_in_the_documentation_is_fresh() -> None:
    printed = CliRunner().invoke(herder, ["workflows"]).output

    assert PAGE.read_text() == printed, "make generate"


@pytest.mark.parametrize("name", workflows())
def test_every_step_has_a_row_that_says_what_it_sees_to(name: str) -> None:
    section = PAGE.read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]

    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert [row[0].split("`")[1] for row in rows] == [step.id for step in workflows()[name].steps]
    assert all(row[1].endswith((".", ".)")) for row in rows)


WORDS: dict[str, RetryPolicy] = {
    "3, 0.25 s apart, doubled up to 1 s": RetryPolicy(3, ExponentialBackoff(0.25, 1.0)),
    "for 60 s, 0.1 s apart, doubled up to 1 s": RetryPolicy(None, ExponentialBackoff(0.1, 1.0, max_elapsed=60.0)),
    "without limit, 2 s apart": RetryPolicy(None, FixedBackoff(2.0)),
    "100, 1 s apart, 1 s more each time up to 5 s": RetryPolicy(100, LinearBackoff(1.0, 5.0)),
    "4 within 9 s, 1 s apart, doubled up to 2 s": RetryPolicy(4, ExponentialBackoff(1.0, 2.0, max_elapsed=9.0)),
    "54 within 60 s, 1 s apart": RetryPolicy(54, ExponentialBackoff(1.0, 1.0, max_elapsed=60.0)),
}


@pytest.mark.parametrize("words", WORDS)
def test_a_policy_is_put_into_words(words: str) -> None:
    assert attempts(WORDS[words]) == words
