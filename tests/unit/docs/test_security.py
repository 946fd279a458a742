"""docs/security.md has a row for each rule, and each test and file that a row names is there."""

import re

import pytest

from unit.packaging.dockerfile import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = {row[0]: row for row in re.findall(r"^\| (S\d+) \| (.*) \| (.*) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)}


def test_every_rule_has_a_row() -> None:
    assert list(ROWS) == [f"S{number}" for number in range(1, 21)]


@pytest.mark.parametrize("rule", ROWS)
def test_the_tests_of_a_rule_are_there_and_hold_some(rule: str) -> None:
    names = re.findall(r"`([\w/]+\.py)`", ROWS[rule][4])

    assert names
    assert [name for name in names if "def test_" not in _text(name)] == []


@pytest.mark.parametrize("rule", ROWS)
def test_what_a_rule_rests_on_is_there(rule: str) -> None:
    names = re.findall(r"`([\w/]+\.py|crds/|requirements\.lock|Dockerfile)`", ROWS[rule][3])

    missing = [name for name in names if not any((ROOT / top / name).exists() for top in ("", "operator/herder"))]
    assert missing == []


def test_a_row_that_is_not_read_is_found() -> None:
    assert len(re.findall(r"^\| S\d+", PAGE, re.MULTILINE)) == len(ROWS)


def test_every_test_of_security_is_named_in_a_row() -> None:
    shown = " ".join(row[4] for row in ROWS.values())
    files = [*(ROOT / "tests/real/security").glob("test_*.py"), *(ROOT / "tests/unit/security").glob("test_*.py")]

    assert [file.name for file in files if str(file.relative_to(ROOT / "tests")) not in shown] == []


def _text(name: str) -> str:
    file = ROOT / "tests" / name
    return file.read_text() if file.exists() else ""
