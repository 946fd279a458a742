"""Every word that a status or an Event gives as a reason can be looked up, and every word that can be is given."""

import ast
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from herder.api import conditions, reasons
from herder.cli.main import herder
from herder.workflows.reasons import STEPS, StepReason, remedy_after, remedy_meanwhile
from unit.packaging.dockerfile import ROOT

PAGE: Final = ROOT / "docs" / "reasons.md"
CODE: Final = ROOT / "operator" / "herder"
TABLES: Final[dict[type[StrEnum], Mapping[Any, Any]]] = {
    conditions.ConditionType: reasons.CONDITIONS,
    conditions.ReadyReason: reasons.READY,
    conditions.ReconcilingReason: reasons.RECONCILING,
    conditions.ReachableReason: reasons.REACHABLE,
    conditions.RoutableReason: reasons.ROUTABLE,
    conditions.DrainedReason: reasons.DRAINED,
    reasons.EventReason: reasons.EVENTS,
}
WORDS: Final[list[type[StrEnum]]] = [*list(TABLES)[1:], conditions.StalledReason]
STEP_REASONS: Final = {word: row for rows in STEPS.values() for word, row in rows.items()}
MEANINGS: Final = [*STEP_REASONS.values(), *(row for table in list(TABLES.values())[1:] for row in table.values())]
GIVERS: Final = [*(CODE / "workflows").rglob("*.py"), *(CODE / "controller" / "mcp").rglob("*.py")]
"""What names the reasons of steps."""

NO_REASONS: Final = {
    *("Authorization", "ConfigMap", "GetModelInfo", "GetServerInfo", "HealthCheck", "Orphan", "RemoveWorker"),
    *("GrpcProber", "Request", "Response"),
}
"""What else is written in one word with capitals there."""


def words_of(path: Path) -> set[str]:
    """The strings in a file that are one word with capitals, but for the names that it offers."""
    tree = ast.parse(path.read_text())
    offers = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    offered = {each.value for node in offers for each in ast.walk(node) if isinstance(each, ast.Constant)}
    types = {
        each.value for node in ast.walk(tree) if isinstance(node, ast.Subscript | ast.arg) for each in _texts(node)
    }
    strings = {str(each.value) for each in _texts(tree)}
    return {word for word in strings - offered - types if re.fullmatch(r"(?:[A-Z][a-z0-9]+)+|NotAComponent", word)}


def _texts(node: ast.AST) -> list[ast.Constant]:
    return [each for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def given() -> set[str]:
    """The reasons that steps name."""
    files = [path for path in GIVERS if path != CODE / "workflows" / "reasons.py"]
    return {word for path in files for word in words_of(path)} - NO_REASONS


def test_the_page_in_the_documentation_is_fresh() -> None:
    printed = CliRunner().invoke(herder, ["reasons"]).output

    assert PAGE.read_text() == printed, "make generate"


@pytest.mark.parametrize("words", TABLES, ids=lambda words: str(words.__name__))
def test_each_word_has_its_row(words: type[StrEnum]) -> None:
    assert list(TABLES[words]) == list(words)


def test_each_word_of_stalled_is_one_of_ready_too() -> None:
    assert {*conditions.StalledReason} <= {*conditions.ReadyReason}


@pytest.mark.parametrize("word", [each for words in WORDS for each in words], ids=repr)
def test_no_word_is_never_given(word: StrEnum) -> None:
    is_taken_over = isinstance(word, conditions.StalledReason)  # from what Ready says
    names = {f"{type(word).__name__}.{word.name}"} | ({f"ReadyReason.{word.name}"} if is_taken_over else set())
    files = [path for path in CODE.rglob("*.py") if path != CODE / "api" / "reasons.py"]

    is_named = any(re.search(rf"\b{name}\b", path.read_text()) for path in files for name in names)

    assert is_named or word in STEP_REASONS


def test_each_reason_that_a_step_gives_has_its_row_and_no_other() -> None:
    others = {"StepFailed"}  # of a step that says nothing, which the status adds

    assert given() == STEP_REASONS.keys() - others


def _claimed(function: str) -> Iterator[tuple[str, str]]:
    """The status and the reason of each condition that the code writes by a function, where both stand there."""
    for path in (CODE / "controller").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function and len(node.args) == 3:
                status, reason = (ast.unparse(each).partition(".") for each in node.args[:2])
                if status[0] == "Truth" and reason[2].isupper():
                    yield status[2], reason[2]


@pytest.mark.parametrize(
    ("function", "words", "table"),
    [
        pytest.param("ready", conditions.ReadyReason, reasons.READY, id="Ready"),
        pytest.param("reachable", conditions.ReachableReason, reasons.REACHABLE, id="Reachable"),
    ],
)
def test_a_reason_goes_with_the_statuses_that_its_row_names(
    function: str, words: type[StrEnum], table: Mapping[Any, reasons.Meaning]
) -> None:
    claimed = set(_claimed(function))

    wrong = {(status, name) for status, name in claimed if conditions.Truth[status] not in table[words[name]].statuses}

    assert wrong == set()
    assert len(claimed) > 5


@pytest.mark.parametrize("row", MEANINGS, ids=lambda row: row.says[:30])
def test_a_meaning_is_a_sentence_and_a_remedy_goes_on_from_a_message(row: Any) -> None:
    assert re.match(r"[A-Z`].*\.$", row.says)
    assert not row.remedy or re.match(r"[a-z].*[^.]$", row.remedy)


@pytest.mark.parametrize(
    ("reason", "added"),
    [
        pytest.param("ForeignEntry", "", id="the message says it itself"),
        pytest.param("PathRefused", "correct spec.source.path", id="a change that herder sees"),
        pytest.param(
            "NotListed",
            "look into the gateway's log, then set the annotation herder.dev/retry to a new value",
            id="what herder does not see",
        ),
        pytest.param(
            "WorkerUnreachable",
            "correct spec.url, or start the worker and set the annotation herder.dev/retry to a new value; "
            "spec.startup.timeoutSeconds is its budget",
            id="either",
        ),
        pytest.param("Applying", "mend it, then set the annotation herder.dev/retry to a new value", id="none"),
        pytest.param("Unheard", "mend it, then set the annotation herder.dev/retry to a new value", id="no such word"),
    ],
)
def test_a_status_adds_what_the_message_does_not_say(reason: str, added: str) -> None:
    assert remedy_after(reason) == added


@pytest.mark.parametrize(
    ("reason", "worth_doing"),
    [
        pytest.param("WorkerUnreachable", "correct spec.url or start the worker", id="two things"),
        pytest.param("BadAnswer", "correct spec.url or mend the worker", id="a URL that is wrong"),
        pytest.param("NotListed", "look into the gateway's log", id="one thing"),
        pytest.param("ForeignEntry", "", id="the message says it itself"),
        pytest.param("Unheard", "", id="no such word"),
    ],
)
def test_while_a_step_is_retried_nobody_is_told_to_ask_for_a_new_run(reason: str, worth_doing: str) -> None:
    assert remedy_meanwhile(reason) == worth_doing


@pytest.mark.parametrize(("word", "row"), STEP_REASONS.items(), ids=STEP_REASONS)
def test_nobody_is_told_to_ask_for_a_run_that_a_changed_spec_begins_by_itself(word: str, row: StepReason) -> None:
    of_other_resources = {"DeploymentNotFound"}  # the ModelGateway's spec is none of the server's

    assert "spec." not in row.mend or word in of_other_resources


@pytest.mark.parametrize(
    ("word", "of"),
    [
        pytest.param("LoadFailed", ["Ready=False: ", "a step: "], id="several"),
        pytest.param("Drained", ["Drained=True: "], id="a condition's"),
        pytest.param("OrphanRemoved", ["an Event: "], id="an Event's"),
        pytest.param("drained", ["Drained=True: "], id="another case"),
        pytest.param("ORPHANREMOVED", ["an Event: "], id="shouted"),
    ],
)
def test_a_word_can_be_looked_up_on_the_command_line(word: str, of: list[str]) -> None:
    printed = CliRunner().invoke(herder, ["reasons", word]).output

    assert [line.partition(": ")[0] + ": " for line in printed.splitlines() if not line.startswith(" ")] == of


def test_a_word_that_is_not_herders_is_refused() -> None:
    result = CliRunner().invoke(herder, ["reasons", "Nothing"])

    assert result.exit_code == 2
    assert "'Nothing' is no reason that herder gives" in result.output


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        pytest.param("WorkerUnreachabel", "do you mean WorkerUnreachable?", id="a slip"),
        pytest.param("WORKERUNREACHABEL", "do you mean WorkerUnreachable?", id="a slip in another case"),
        pytest.param("Xyzzy", "without one all of them are printed", id="nothing near"),
    ],
)
def test_who_looks_up_what_is_no_word_is_told_which_one_is(word: str, meant: str) -> None:
    output = CliRunner().invoke(herder, ["reasons", word]).output

    assert meant in " ".join(output.replace("│", " ").split())
