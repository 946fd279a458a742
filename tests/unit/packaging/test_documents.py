"""What people read names only what is there."""

import re
from pathlib import Path

import pytest
import yaml

from herder import __version__
from rig.documents import books
from unit.packaging.dockerfile import ROOT

DOCUMENTS = [ROOT / name for name in ("SECURITY.md", "CHANGELOG.md", *(page for pages in books() for page in pages))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def named_paths(text: str) -> set[str]:
    """Files and folders named in backticks: with a suffix and a slash, or below a folder of the checkout."""
    words = re.findall(r"`([\w.-][\w./-]*/[\w./-]*)`", text)
    return {word for word in words if word.endswith(".py") or (ROOT / word.partition("/")[0]).is_dir()}


def anchors_of(text: str) -> set[str]:
    """What the headings of a page are called in links, as GitHub has it."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@documents
def test_a_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@documents
def test_a_link_to_a_part_of_a_page_leads_to_a_heading(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text())

    missing = [
        f"{page}#{part}"
        for page, part in links
        if part not in anchors_of((document.parent / page if page else document).read_text())
    ]

    assert missing == []


@documents
def test_a_named_file_exists(document: Path) -> None:
    places = (ROOT, ROOT / "operator" / "herder", ROOT / "tests")

    missing = [
        name for name in named_paths(document.read_text()) if not any((place / name).exists() for place in places)
    ]

    assert missing == []


@documents
def test_a_named_make_target_exists(document: Path) -> None:
    named = set(re.findall(r"(?:^ {4}|^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE))

    assert named <= TARGETS


def test_chart_and_changelog_speak_of_this_version() -> None:
    chart = yaml.safe_load((ROOT / "charts" / "herder" / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()
