"""A definition that could never run is told when it is made."""

from collections.abc import Callable, Iterable
from dataclasses import FrozenInstanceError
from datetime import datetime
from typing import Any

import pytest

from herder.engine import (
    DefinitionError,
    DependencyCycleError,
    DuplicateStepError,
    MissingDependencyError,
    StepDefinition,
    WorkflowDefinition,
)
from unit.engine.kit import noop


def step(step_id: str, *depends_on: str) -> StepDefinition[Any]:
    return StepDefinition(step_id, noop, depends_on=depends_on)


def test_two_steps_with_one_id_are_an_error() -> None:
    with pytest.raises(DuplicateStepError, match="'a'"):
        WorkflowDefinition("wf", [step("a"), step("a")])


@pytest.mark.parametrize("field", ["depends_on", "depends_on_any"])
def test_a_dependency_that_is_not_there_is_an_error_that_names_both(field: str) -> None:
    dependent = StepDefinition("a", noop, **{field: ["gone"]})  # type: ignore[arg-type]  # the field is a parameter

    with pytest.raises(MissingDependencyError) as caught:
        WorkflowDefinition("wf", [dependent])

    assert (caught.value.step_id, caught.value.dependency) == ("a", "gone")


@pytest.mark.parametrize(
    ("steps", "cycle"),
    [
        pytest.param([step("a", "a")], {"a"}, id="itself"),
        pytest.param([step("a", "b"), step("b", "a")], {"a", "b"}, id="each other"),
        pytest.param(
            [step("root"), step("a", "root", "c"), step("b", "a"), step("c", "b"), step("leaf", "c")],
            {"a", "b", "c"},
            id="behind a root",
        ),
    ],
)
def test_steps_that_wait_for_each_other_are_an_error_that_lists_them(
    steps: list[StepDefinition[Any]], cycle: set[str]
) -> None:
    with pytest.raises(DependencyCycleError) as caught:
        WorkflowDefinition("wf", steps)

    assert set(caught.value.cycle) == cycle


def test_a_cycle_through_depends_on_any_is_one_too() -> None:
    with pytest.raises(DependencyCycleError):
        WorkflowDefinition("wf", [step("a", "b"), StepDefinition("b", noop, depends_on_any=["a"])])


@pytest.mark.parametrize("given", ["ab", b"ab", [1], ["a", None]], ids=repr)
@pytest.mark.parametrize("field", ["depends_on", "depends_on_any"])
def test_dependencies_that_are_no_step_ids_are_an_error(given: Any, field: str) -> None:
    with pytest.raises(DefinitionError, match=field):
        StepDefinition("c", noop, **{field: given})


@pytest.mark.parametrize(
    "iterable",
    [list, tuple, set, iter, dict.fromkeys, lambda ids: (i for i in ids)],
    ids=["list", "tuple", "set", "iterator", "dict", "generator"],
)
def test_dependencies_may_be_any_iterable(iterable: Callable[[list[str]], Iterable[str]]) -> None:
    definition = StepDefinition("c", noop, depends_on=iterable(["a", "b"]))

    assert set(definition.depends_on) == {"a", "b"}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"timeout": 0}, id="no time"),
        pytest.param({"timeout": float("nan")}, id="no number"),
        pytest.param({"delay": -1}, id="negative delay"),
        pytest.param({"scheduled_at": datetime(2030, 1, 1)}, id="naive moment"),  # noqa: DTZ001 (the point of it)
    ],
)
def test_times_that_make_no_sense_are_errors(arguments: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        StepDefinition("a", noop, **arguments)


@pytest.mark.parametrize("bad_id", ["", None, 7], ids=repr)
def test_an_id_is_a_non_empty_string(bad_id: Any) -> None:
    with pytest.raises(DefinitionError):
        StepDefinition(bad_id, noop)
    with pytest.raises(DefinitionError):
        WorkflowDefinition(bad_id, [])


def test_what_can_not_be_run_is_no_step() -> None:
    with pytest.raises(DefinitionError, match="execute"):
        StepDefinition("a", object())  # type: ignore[arg-type]  # the point of it


def test_definitions_are_frozen() -> None:
    definition = WorkflowDefinition("wf", [step("a")])

    with pytest.raises(FrozenInstanceError):
        definition.id = "other"  # type: ignore[misc]  # the point of it
    with pytest.raises(FrozenInstanceError):
        next(iter(definition.steps)).id = "other"  # type: ignore[misc]  # the point of it


def test_a_default_timeout_is_above_zero() -> None:
    with pytest.raises(DefinitionError, match="default_timeout"):
        WorkflowDefinition("wf", [], default_timeout=0)


def test_every_definition_error_is_a_value_error() -> None:
    for kind in (DuplicateStepError, MissingDependencyError, DependencyCycleError):
        assert issubclass(kind, DefinitionError)
    assert issubclass(DefinitionError, ValueError)
