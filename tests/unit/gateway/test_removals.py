"""Removals: what is remembered of a DELETE, for how long, and that it is forgotten."""

from herder.gateway.removals import LOST_AFTER_S, QUIET_AFTER_GONE_S, Removals
from unit.gateway.fake import FakeTime

KEY = "http://h"


def test_a_url_is_quiet_for_two_and_a_half_seconds_after_it_was_seen_gone() -> None:
    time = FakeTime()
    removals = Removals(time.clock)

    removals.saw_gone(KEY)

    assert removals.quiet_left_s(KEY) == QUIET_AFTER_GONE_S == 2.5
    time.now_s += 2.5
    assert removals.quiet_left_s(KEY) <= 0


def test_a_url_that_was_never_removed_is_not_quiet() -> None:
    assert Removals(FakeTime().clock).quiet_left_s(KEY) <= 0


def test_an_entry_that_is_missing_counts_only_if_it_was_being_removed() -> None:
    removals = Removals(FakeTime().clock)
    removals.began(KEY, "a", KEY)

    removals.saw_missing("b")
    assert removals.unconfirmed(KEY) == ("a",)

    removals.saw_missing("a")
    assert removals.unconfirmed(KEY) == ()
    assert removals.quiet_left_s(KEY) > 0


def test_a_delete_is_under_way_for_its_entry_and_not_for_another_rank() -> None:
    removals = Removals(FakeTime().clock)

    removals.began(KEY, "a", f"{KEY}@0")

    assert removals.is_under_way(KEY, f"{KEY}@0")
    assert not removals.is_under_way(KEY, f"{KEY}@1")


def test_a_delete_that_shows_no_effect_counts_as_lost_after_a_while() -> None:
    time = FakeTime()
    removals = Removals(time.clock)
    removals.began(KEY, "a", KEY)

    time.now_s += LOST_AFTER_S

    assert not removals.is_under_way(KEY, KEY)


def test_nothing_is_remembered_for_ever() -> None:
    time = FakeTime()
    removals = Removals(time.clock)
    for number in range(100):
        removals.began(f"{KEY}/{number}", str(number), f"{KEY}/{number}")
        removals.saw_missing(str(number))
    removals.began(KEY, "a", KEY)
    removals.withdrawn("a")
    time.now_s += QUIET_AFTER_GONE_S

    removals.saw_gone(KEY)

    assert removals.unconfirmed_ids() == frozenset()
    assert (removals._sent, list(removals._gone_at_s)) == ({}, [KEY])
