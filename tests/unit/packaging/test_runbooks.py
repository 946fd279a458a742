"""Each alert leads to a page that says what it means and what to do, and each page to an alert."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = ROOT / "docs" / "runbooks"
GROUPS: Final[list[dict[str, Any]]] = yaml.safe_load((ROOT / "charts/herder/files/alerts.yaml").read_text())["groups"]
ALERTS: Final = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
HEADINGS: Final = ["Meaning", "Impact", "Diagnosis", "Remedy"]


def test_there_is_a_page_for_each_alert_and_no_other() -> None:
    index = (PAGES / "README.md").read_text()

    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == set(ALERTS)
    assert set(re.findall(r"\((\w+)\.md\)", index)) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_where_its_page_is(name: str) -> None:
    labels, said = ALERTS[name]["labels"], ALERTS[name]["annotations"]

    assert labels["severity"] in {"critical", "warning", "info"}
    assert said["summary"]
    assert said["description"]
    assert ROOT / said["runbook_url"] == PAGES / f"{name}.md"


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_has_the_same_four_parts_each_with_something_in_it(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    title, *parts = re.split(r"^#+ ", page, flags=re.MULTILINE)[1:]

    assert title.strip() == name
    assert [part.partition("\n")[0] for part in parts] == HEADINGS
    assert all(part.partition("\n")[2].strip() for part in parts)


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_shows_commands_or_queries_to_find_out(name: str) -> None:
    _, _, rest = (PAGES / f"{name}.md").read_text().partition("## Diagnosis")

    assert re.search(r"^```(sh|promql)$", rest.partition("## Remedy")[0], re.MULTILINE)
