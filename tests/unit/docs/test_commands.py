"""The pages' commands stand where the tests find them, and what is not run is known; the tables name what there is."""

import re
from pathlib import Path
from typing import Final

import pytest

from herder.controller.metrics import catalog
from rig.documents import ROOT, Story, stories

OPERATIONS: Final = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "operations").glob("*.md"))
PAGES: Final = ["README.md", *OPERATIONS]
NOT_RUN: Final = {
    ("README.md", "make demo"),
    ("README.md", "make up"),
    ("README.md", "docker build"),
    ("README.md", "kubectl -n argocd"),
    ("docs/operations/install.md", "helm test"),
    ("docs/operations/break-glass.md", "kubectl -n models patch wr llama-b"),
}
"""Each has its reason beside it in the page. All else is run by tests/real/docs."""

PROGRAMS: Final = "kubectl|helm|make|docker|curl|herder|flux|argocd|smg|pip|python3?|git|export|cat|jq|until|while|for"


def told() -> list[Story]:
    """The stories of all pages."""
    return [story for page in PAGES for story in stories(page)]


def test_what_is_not_run_is_known_and_has_a_reason() -> None:
    left_out = {(block.page, block.first) for story in told() for block in story.blocks if block.why_not is not None}

    known = {(page, first) for page, first in left_out if any(p == page and first.startswith(f) for p, f in NOT_RUN)}

    assert left_out - known == set()
    assert len(left_out) == len(NOT_RUN)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/operations/{name}.md" for name in ("install", "break-glass"))])
def test_commands_are_found(page: str) -> None:
    assert any(block.why_not is None for story in stories(page) for block in story.blocks)


@pytest.mark.parametrize("page", PAGES)
def test_no_command_stands_where_nobody_runs_it(page: str) -> None:
    text = (ROOT / page).read_text()
    parts = re.split(r"^```(\w*)\n", text, flags=re.MULTILINE)  # text, language, block, "" where it ends, text …
    languages, blocks = parts[1::4], parts[2::4]
    screens = "".join(block for language, block in zip(languages, blocks, strict=True) if not language)

    indented = re.findall(rf"^ {{4}}(?:{PROGRAMS}) .*", "".join(parts[0::4]), re.MULTILINE)
    shown = re.findall(rf"^(?:{PROGRAMS}) .*", screens, re.MULTILINE)

    assert indented + shown == []
    assert {*languages} <= {"", "sh", "yaml", "promql"}


@pytest.mark.parametrize("story", told(), ids=lambda story: f"{story.page}:{story.blocks[0].line}")
def test_a_story_begins_with_what_the_tests_can_set_up(story: Story) -> None:
    assert story.beginning in {"nothing", "herder"}


def test_no_check_is_one_that_bash_does_not_stop_at() -> None:
    checks = [block.text for story in told() for block in story.blocks if re.search(r"^! ", block.text, re.MULTILINE)]

    assert checks == []


def test_the_service_levels_name_metrics_that_there_are() -> None:
    page = (ROOT / "docs" / "operations" / "slos.md").read_text()
    named = set(re.findall(r"\bherder_\w+", page))

    known = {metric.name for _, metrics in catalog.GROUPS for metric in metrics}

    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in named} <= known
    assert len(named) > 5


def test_each_alert_is_one_of_a_service_level_or_of_what_can_not_be_promised() -> None:
    page = (ROOT / "docs" / "operations" / "slos.md").read_text()
    alerts = {path.stem for path in (ROOT / "docs" / "runbooks").glob("Herder*.md")}

    of_itself = {"HerderDown", "HerderEventsDropped", "HerderReconcileDefects"}

    assert set(re.findall(r"\[(Herder\w+)\]", page)) == alerts - of_itself


def test_the_events_of_the_log_that_are_explained_are_logged() -> None:
    _, _, section = (ROOT / "docs" / "operations" / "break-glass.md").read_text().partition("## Read the log")
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    code = "\n".join(path.read_text() for path in Path(ROOT / "operator").rglob("*.py"))

    assert [name for name in named if f'"{name}"' not in code] == []
    assert len(named) > 5
