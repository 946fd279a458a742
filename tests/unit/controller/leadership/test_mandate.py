"""A mandate ends by the clock, and never comes back."""

import pytest

from herder.controller.leadership.mandate import Mandate, uptime_s
from herder.net.errors import NotPermitted


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


def test_it_is_over_when_its_time_is_without_anybody_saying_so(time: Time) -> None:
    mandate = Mandate(1, 110.0, time)
    mandate.check()

    time.now_s = 110.0

    assert not mandate.is_valid
    with pytest.raises(NotPermitted):
        mandate.check()


def test_a_renewal_in_time_lengthens_it(time: Time) -> None:
    mandate = Mandate(1, 110.0, time)
    time.now_s = 109.0

    mandate.renew(118.0)

    assert mandate.left_s == 9.0


def test_a_renewal_that_is_heard_of_too_late_does_not_bring_it_back(time: Time) -> None:
    mandate = Mandate(1, 110.0, time)
    time.now_s = 111.0

    mandate.renew(119.0)

    assert not mandate.is_valid


def test_a_renewal_never_shortens_it(time: Time) -> None:
    mandate = Mandate(1, 110.0, time)

    mandate.renew(105.0)

    assert mandate.left_s == 10.0


def test_one_that_was_ended_is_never_renewed(time: Time) -> None:
    mandate = Mandate(1, 110.0, time)
    mandate.end()

    mandate.renew(120.0)

    assert not mandate.is_valid


def test_without_rivals_it_lasts_for_good_and_has_no_epoch_to_be_outranked_by() -> None:
    mandate = Mandate.for_good()

    assert mandate.is_valid
    assert not mandate.is_outranked(7)


@pytest.mark.parametrize(("said", "is_higher"), [(0, False), (4, False), (5, False), (6, True)])
def test_only_a_higher_epoch_outranks_it_and_casts_doubt_on_it(said: int, is_higher: bool, time: Time) -> None:
    mandate = Mandate(5, 110.0, time)

    assert mandate.is_outranked(said) is is_higher
    assert mandate.doubted.is_set() is is_higher


def test_the_clock_only_ever_grows() -> None:
    assert 0.0 < uptime_s() <= uptime_s()
