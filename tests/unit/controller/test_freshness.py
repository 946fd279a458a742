"""How old what is known of a kind is: as old as the last list that told nothing new."""

from collections.abc import Mapping
from typing import Final

import pytest

from herder.controller.watch.freshness import Freshness

KIND: Final = "Tokenizer"


class Desk:
    """A kind that is listed now and then."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.freshness = Freshness(lambda: self.now_s)
        self.freshness.primed(KIND)

    def listed(self, there: Mapping[str, int], known: Mapping[str, int], at_s: float) -> None:
        self.now_s = at_s
        self.freshness.listed(KIND, there, known, at_s)

    def age_s(self, at_s: float) -> float:
        self.now_s = at_s
        return self.freshness.ages_s[KIND]


def test_it_grows_from_the_first_reading_on() -> None:
    assert Desk().age_s(at_s=107.0) == 7.0


IN_STEP: Final[dict[str, tuple[Mapping[str, int], Mapping[str, int]]]] = {
    "nothing there": ({}, {}),
    "the same": ({"a": 1}, {"a": 1}),
    "the watch is ahead of the list": ({"a": 1}, {"a": 2}),
    "something that is gone by now is known still": ({"a": 1}, {"a": 1, "b": 1}),
}
BEHIND: Final[dict[str, tuple[Mapping[str, int], Mapping[str, int]]]] = {
    "a change was not heard of": ({"a": 2}, {"a": 1}),
    "nor that there is something": ({"a": 1, "b": 1}, {"a": 1}),
}


@pytest.mark.parametrize(("there", "known"), IN_STEP.values(), ids=IN_STEP)
def test_a_list_that_tells_nothing_new_makes_it_young(there: Mapping[str, int], known: Mapping[str, int]) -> None:
    desk = Desk()

    desk.listed(there, known, at_s=160.0)

    assert desk.age_s(at_s=163.0) == 3.0


@pytest.mark.parametrize(("there", "known"), BEHIND.values(), ids=BEHIND)
def test_a_list_that_tells_news_does_not(there: Mapping[str, int], known: Mapping[str, int]) -> None:
    desk = Desk()

    desk.listed(there, known, at_s=160.0)

    assert desk.age_s(at_s=163.0) == 63.0


def test_what_was_news_counts_from_its_list_once_the_watch_has_told_it_though_there_is_always_news() -> None:
    desk = Desk()

    desk.listed({"a": 2}, {"a": 1}, at_s=160.0)
    desk.listed({"a": 3}, {"a": 2}, at_s=220.0)
    desk.listed({"a": 4}, {"a": 3}, at_s=280.0)

    assert desk.age_s(at_s=281.0) == 61.0


def test_what_was_news_and_is_gone_by_the_next_list_has_not_to_be_told() -> None:
    desk = Desk()

    desk.listed({"a": 2, "b": 2}, {"a": 1, "b": 1}, at_s=160.0)
    desk.listed({"b": 3}, {"a": 1, "b": 2}, at_s=220.0)

    assert desk.age_s(at_s=221.0) == 61.0


def test_a_deaf_watch_grows_older_with_each_list() -> None:
    desk = Desk()

    for minute in range(1, 10):
        desk.listed({"a": 2}, {"a": 1}, at_s=100.0 + 60.0 * minute)

    assert desk.age_s(at_s=640.0) == 540.0
