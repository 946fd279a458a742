"""docs/flags.md has every command and every flag."""

import re
from typing import Final

import click
import pytest

from herder.cli.flags import page
from herder.cli.main import herder
from herder.cli.run import run
from unit.packaging.dockerfile import ROOT

PAGE: Final = ROOT / "docs" / "flags.md"


def section(name: str) -> str:
    """What the page says of a command."""
    found = re.search(rf"^## `herder {name}\b.*?(?=^## |\Z)", page(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


def test_the_page_in_the_documentation_is_fresh() -> None:
    assert PAGE.read_text() == page(), "make generate"


@pytest.mark.parametrize("name", herder.commands)
def test_each_flag_of_a_command_has_its_row(name: str) -> None:
    options = [each for each in herder.commands[name].params if isinstance(each, click.Option)]

    rows = re.findall(r"^\| `(--[\w-]+)`", section(name), re.MULTILINE)

    assert rows == [max(each.opts, key=len) for each in options]


@pytest.mark.parametrize(
    ("variable", "value", "flag"),
    [
        pytest.param("HERDER_MAX_RUNS", "7", "max_runs", id="by the prefix"),
        pytest.param("HERDER_NAMESPACE", "a b", "namespaces", id="a name of its own"),
    ],
)
def test_the_variable_that_a_row_names_sets_the_flag(
    variable: str, value: str, flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    params = run.make_context("run", [], auto_envvar_prefix="HERDER").params

    assert f"`{variable}`" in section("run")
    assert str(params[flag]) in {value, str(tuple(value.split()))}


@pytest.mark.parametrize("cell", ["`8080`", "`info`", "1 to 10000", "`auto`, `console`, `json`"])
def test_a_row_says_what_a_flag_takes_and_what_it_is_without(cell: str) -> None:
    assert cell in section("run")


def test_a_flag_that_is_on_by_itself_says_so_and_how_it_is_turned_off() -> None:
    assert "| `--leader-elect`, `--no-leader-elect` | `HERDER_LEADER_ELECT` | `--leader-elect` |" in section("run")
