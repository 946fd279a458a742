"""What is drawn in the documentation is what the tables say."""

from pathlib import Path

import pytest

from herder.engine.diagrams import diagrams, refreshed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "engine.md"


def test_the_diagrams_in_the_documentation_are_fresh() -> None:
    page = PAGE.read_text()

    assert page == refreshed(page)
    assert page.count("stateDiagram-v2") == len(diagrams())


def test_a_diagram_has_an_arrow_for_each_move_and_marks_the_ends() -> None:
    lines = diagrams()["step"].splitlines()

    assert "    Running --> Retrying: retry" in lines
    assert "    Succeeded --> [*]" in lines
    assert not any(line.startswith("    Succeeded --> ") and "[*]" not in line for line in lines)


def test_a_diagram_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        refreshed("<!-- diagram: moon -->\n<!-- end of diagram -->")
