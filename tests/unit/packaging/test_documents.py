"""What people read names only what is there."""

import re
from pathlib import Path

import pytest
import yaml

from herder import __version__
from unit.packaging.dockerfile import ROOT

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(ROOT / "docs" / name for name in ("architecture.md", "image.md")),
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def named_paths(text: str) -> set[str]:
    """Files and folders named in backticks: with a suffix and a slash, or below a folder of the checkout."""
    words = re.findall(r"`([\w./-]+/[\w./-]*)`", text)
    return {word for word in words if word.endswith(".py") or (ROOT / word.partition("/")[0]).is_dir()}


@documents
def test_a_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@documents
def test_a_named_file_exists(document: Path) -> None:
    places = (ROOT, ROOT / "operator" / "herder")

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
