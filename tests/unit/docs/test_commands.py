"""The pages' commands stand where the tests find them, and what is not run is known; the tables name what there is."""

import re
from pathlib import Path
from typing import Final

import pytest

from herder.controller.metrics import catalog
from rig.documents import ROOT, Story, books, queries, stories

PAGES: Final = [page for pages in books() for page in pages]
NOT_RUN: Final = {
    ("README.md", "make demo"),
    ("README.md", "make up"),
    ("README.md", "docker build"),
    ("CONTRIBUTING.md", "make test-unit"),
    ("docs/gitops.md", "argocd app actions"),
    ("docs/gitops.md", "kubectl apply -f gitops/flux"),
    ("docs/gitops.md", "helm upgrade --install kube-state-metrics"),
    ("docs/image.md", "docker build --tag herder ."),
    ("docs/image.md", "docker build --tag herder --build-arg"),
    ("docs/image.md", "docker build --tag herder --secret"),
    ("docs/image.md", "docker run --rm"),
    ("docs/image.md", "cosign sign"),
    ("docs/image.md", "pip-audit"),
    ("docs/operations/install.md", "helm test"),
    ("docs/operations/break-glass.md", "kubectl -n models patch wr llama-b"),
}
"""Each has its reason beside it in the page. All else is run by tests/real/docs."""

PROGRAMS: Final = (
    "kubectl|helm|make|docker|curl|herder|flux|argocd|smg|cosign|pip|pip-audit|python3?|git|export|cat|jq|"
    "until|while|for|timeout"
)


def told() -> list[Story]:
    """The stories of all pages."""
    return [story for pages in books() for story in stories(*pages)]


def test_what_is_not_run_is_known_and_has_a_reason() -> None:
    left_out = {(block.page, block.first) for story in told() for block in story.blocks if block.why_not is not None}

    known = {(page, first) for page, first in left_out if any(p == page and first.startswith(f) for p, f in NOT_RUN)}

    assert left_out - known == set()
    assert len(left_out) == len(NOT_RUN)


def test_commands_are_found_and_run_where_they_are_looked_for() -> None:
    run = {block.page for story in told() for block in story.blocks if block.why_not is None}

    assert {"README.md", "docs/gitops.md", "docs/traces.md", "docs/operations/install.md"} <= run
    assert {f"docs/runbooks/{name}.md" for name in ("HerderDown", "HerderWatchStale")} <= run


@pytest.mark.parametrize("page", PAGES)
def test_no_command_stands_where_nobody_runs_it(page: str) -> None:
    text = (ROOT / page).read_text()
    parts = re.split(r"^```(\w*)\n", text, flags=re.MULTILINE)  # text, language, block, "" where it ends, text …
    languages, blocks = parts[1::4], parts[2::4]
    screens = "".join(block for language, block in zip(languages, blocks, strict=True) if not language)

    indented = re.findall(rf"^ {{4}}(?:{PROGRAMS}) .*", "".join(parts[0::4]), re.MULTILINE)
    shown = re.findall(rf"^(?:{PROGRAMS}) .*", screens, re.MULTILINE)

    assert indented + shown == []
    assert {*languages} <= {"", "sh", "yaml", "promql", "mermaid"}


@pytest.mark.parametrize("story", told(), ids=lambda story: f"{story.page}:{story.blocks[0].line}")
def test_a_story_begins_with_what_the_tests_can_set_up(story: Story) -> None:
    assert story.beginning in {"nothing", "herder"}


def test_no_check_is_one_that_bash_does_not_stop_at() -> None:
    checks = [block.text for story in told() for block in story.blocks if re.search(r"^! ", block.text, re.MULTILINE)]

    assert checks == []


KNOWN: Final = {metric.name: metric for _, metrics in catalog.GROUPS for metric in metrics}
OF_A_METRIC: Final = re.compile(r"\b(herder_(?!resource_)\w+?)(?:_bucket|_count|_sum)?\b(?:\{(.*?)\})?(?!_)")


@pytest.mark.parametrize("page", [page for page in PAGES if "herder_" in (ROOT / page).read_text()])
def test_a_page_names_metrics_that_there_are(page: str) -> None:
    named = {name for name, _ in OF_A_METRIC.findall((ROOT / page).read_text())}

    assert sorted(named - KNOWN.keys()) == []


@pytest.mark.parametrize(("page", "query"), [(page, query) for page in PAGES for query in queries(page)])
def test_a_query_goes_by_labels_that_its_metrics_have(page: str, query: str) -> None:
    metrics = [(KNOWN[name], matchers) for name, matchers in OF_A_METRIC.findall(query)]
    labels = {label for metric, _ in metrics for label in metric.labels} | {"le"}

    matched = {label for _, matchers in metrics for label in re.findall(r"(\w+)[=!]", matchers)}
    grouped = {label for words in re.findall(r"\bby \((.*?)\)", query) for label in words.split(", ")}
    assert metrics or "herder_" not in query or "herder_resource_" in query
    assert matched | grouped <= labels


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
