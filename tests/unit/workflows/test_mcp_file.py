"""The file of a gateway's MCP servers: what is written, read back, kept and compared."""

import os

import pytest
import yaml

from herder.api.gateway import HeaderPublishing
from herder.workflows.mcp import file
from herder.workflows.mcp.file import ORPHANED, FileEntry
from herder.workflows.mcp.plan import variable_of
from unit.workflows.made import OWNER
from unit.workflows.mcp_world import URL, plan

SESAME = {"Authorization": "Bearer sesame", "X-Team": "a"}


def _entry(name: str, **fields: object) -> FileEntry:
    return {"name": name, "protocol": "streamable", "url": f"http://{name}/mcp", **fields}


def test_an_entry_is_in_the_gateways_words() -> None:
    assert plan(required=True).entry == {
        "name": OWNER.name,
        "protocol": "streamable",
        "url": URL,
        "required": True,
    }


def test_variables_stand_for_headers_and_nothing_holds_their_values() -> None:
    declared = plan(SESAME, HeaderPublishing.VARIABLES)

    assert declared.entry["headers"] == {
        "Authorization": f"${{HERDER_MCP_{OWNER.name.upper()}_AUTHORIZATION}}",
        "X-Team": f"${{HERDER_MCP_{OWNER.name.upper()}_X_TEAM}}",
    }
    assert "sesame" not in f"{declared!r}{declared.entry}{declared.spec_hash}"


def test_an_address_that_names_the_variable_of_another_server_is_not_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERDER_MCP_OTHER_AUTHORIZATION", "sesame")
    greedy = plan(transport={"url": "http://h/$HERDER_MCP_OTHER_AUTHORIZATION"})

    filled_in = os.path.expandvars(file.render("ns/gw", {greedy.key: greedy.entry}))

    assert "sesame" not in filled_in


@pytest.mark.parametrize(
    ("server", "header", "variable"),
    [
        ("github", "Authorization", "HERDER_MCP_GITHUB_AUTHORIZATION"),
        ("my-tools.v2", "x-api-key", "HERDER_MCP_MY_TOOLS_V2_X_API_KEY"),
    ],
)
def test_a_variables_name_says_what_it_is_for(server: str, header: str, variable: str) -> None:
    assert variable_of(server, header) == variable


def test_a_changed_header_changes_the_hash_though_nothing_else_shows_it() -> None:
    before, after = (plan({"Authorization": value}, HeaderPublishing.VARIABLES) for value in ("a", "b"))

    assert before.entry == after.entry
    assert before.spec_hash != after.spec_hash


def test_equal_entries_give_equal_text_in_whatever_order_they_come() -> None:
    a, b = _entry("a"), _entry("b")

    assert file.render("ns/gw", {"a": a, "b": b}) == file.render("ns/gw", {"b": dict(reversed(b.items())), "a": a})


def test_what_is_written_is_read_back() -> None:
    entries = {"a": _entry("a", headers={"X": "${V}"}), "b": {**_entry("b"), **ORPHANED}}

    text = file.render("ns/gw", entries)

    assert file.parse(text) == entries
    assert yaml.safe_load(text) == {"servers": [entries["a"], entries["b"]]}


@pytest.mark.parametrize(
    "text", ["", "servers: 1", "servers: [1]", "servers: [{url: u}]", "servers: [{name: 1}]", "a: [", "x: 1"]
)
def test_what_herder_would_not_have_written_is_no_file(text: str) -> None:
    assert file.parse(text) is None


@pytest.mark.parametrize(
    ("present", "decided", "known", "names"),
    [
        pytest.param({}, {"a": _entry("a")}, {"a"}, ["a"], id="put in"),
        pytest.param({"a": _entry("a")}, {}, {"a"}, ["a"], id="left by an earlier process"),
        pytest.param({"a": _entry("a")}, {"a": None}, {"a"}, [], id="taken out"),
        pytest.param({"a": _entry("a")}, {}, set(), [], id="nobody's"),
        pytest.param({}, {"a": _entry("a")}, set(), [], id="gone since it was put in"),
        pytest.param({"a": {**_entry("a"), **ORPHANED}}, {}, set(), ["a"], id="left on purpose"),
        pytest.param({"a": {**_entry("a"), **ORPHANED}}, {"a": None}, set(), [], id="left, and taken out"),
        pytest.param({}, {}, {"a"}, [], id="not put in yet"),
    ],
)
def test_what_stays_and_what_goes(
    present: dict[str, FileEntry], decided: dict[str, FileEntry | None], known: set[str], names: list[str]
) -> None:
    assert sorted(file.wanted(present, decided, frozenset(known))) == names


def test_what_was_changed_by_hand_is_put_back_as_it_was_decided() -> None:
    changed, decided = _entry("a", url="http://elsewhere"), _entry("a")

    assert file.wanted({"a": changed}, {"a": decided}, frozenset({"a"})) == {"a": decided}


@pytest.mark.parametrize(
    ("present", "says"),
    [
        ({"a": _entry("a")}, None),
        ({}, "it does not list a"),
        ({"a": _entry("a", url="u")}, "it lists a with another url than declared"),
        ({"a": _entry("a", proxy="p")}, "it lists a with another proxy than declared"),
    ],
)
def test_the_first_difference_is_named(present: dict[str, FileEntry], says: str | None) -> None:
    assert file.difference(present, "a", _entry("a")) == says


def test_the_variables_of_a_file_are_told_with_their_servers() -> None:
    entries = {"a": _entry("a", headers={"X": "${V_A}", "Y": "plain"}), "b": _entry("b", headers={"X": "${V_B}"})}

    assert list(file.variables_of(entries)) == [("V_A", "a"), ("V_B", "b")]
