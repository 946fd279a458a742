"""What the locks promise: one version of each package, told by hash, from wherever one's index is."""

import re
from pathlib import Path

import pytest

from unit.packaging.dockerfile import ROOT

LOCKS = sorted(path for path in ROOT.rglob("requirements*.lock") if ".venv" not in path.parts)
locks = pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))


def stanzas_of(lock: Path) -> list[list[str]]:
    """Each requirement with what is indented below it, without comments and continuation marks."""
    lines = [line.rstrip(" \\") for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(line for line in lines if line)
    return [stanza.split("\n    ") for stanza in re.split(r"\n(?! )", text)]


def pins_of(lock: Path) -> dict[str, str]:
    """Version by package."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", lock.read_text(), re.MULTILINE))


@locks
def test_every_line_is_a_version_and_its_hashes(lock: Path) -> None:
    for requirement, *hashes in stanzas_of(lock):
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z,-]+\])?==[\w.]+( ; .+)?", requirement)
        assert hashes
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes)


@locks
def test_no_host_is_named(lock: Path) -> None:
    assert re.findall(r"https?:|index-url|find-links| @ ", lock.read_text()) == []


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    shipped, tested = pins_of(ROOT / "requirements.lock"), pins_of(ROOT / "requirements-dev.lock")

    assert {name: tested.get(name) for name in shipped} == shipped
