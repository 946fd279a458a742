"""When the Lease may be taken, and with which epoch: tables."""

from dataclasses import replace

import pytest

from herder.controller.leadership.election import Lease, Sight, Terms, next_epoch

ME, OTHER = "me", "other"
HELD = Lease(OTHER, 15, 3, "2030-01-01T00:00:00.000000Z", "10")


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        pytest.param((15, 10.0, 2.0), None, id="the defaults"),
        pytest.param((5, 3.0, 1.0), None, id="quick"),
        pytest.param((10, 10.0, 2.0), "two could act at once", id="no time between the stop and the next"),
        pytest.param((15, 2.4, 2.0), "could not be tried again", id="one attempt only"),
        pytest.param((15, 10.0, 0.0), "longer than 0 s", id="without a pause"),
    ],
)
def test_terms_under_which_two_could_act_or_nobody_for_long_are_refused(
    terms: tuple[int, float, float], fault: str | None
) -> None:
    if fault is None:
        Terms(*terms)
    else:
        with pytest.raises(ValueError, match=fault):
            Terms(*terms)


@pytest.mark.parametrize(
    ("lease", "was_led", "vacant_at_s"),
    [
        pytest.param(None, False, 100.0, id="there never was one: at once"),
        pytest.param(None, True, 115.0, id="it was deleted: its holder may not know yet"),
        pytest.param(replace(HELD, holder=""), True, 100.0, id="given back: at once"),
        pytest.param(replace(HELD, holder=ME), True, 100.0, id="our own, from an attempt whose answer was lost"),
        pytest.param(HELD, True, 115.0, id="held"),
        pytest.param(replace(HELD, lease_s=60), True, 160.0, id="held for longer than we would"),
        pytest.param(replace(HELD, lease_s=1), True, 115.0, id="held for less than we would"),
    ],
)
def test_it_is_vacant_when_it_has_looked_the_same_for_as_long_as_it_was_taken_for(
    lease: Lease | None, was_led: bool, vacant_at_s: float
) -> None:
    assert Sight(lease, 100.0).vacant_at_s(ME, 15, was_led=was_led) == vacant_at_s


@pytest.mark.parametrize(
    ("before", "after", "is_new"),
    [
        pytest.param(HELD, HELD, False, id="nothing happened"),
        pytest.param(HELD, replace(HELD, version="11"), False, id="somebody labelled it"),
        pytest.param(HELD, replace(HELD, version="11", mark="2029"), True, id="renewed by a clock an hour behind"),
        pytest.param(HELD, replace(HELD, version="11", holder="third"), True, id="taken by another"),
        pytest.param(HELD, replace(HELD, version="11", epoch=4), True, id="taken again by the same"),
        pytest.param(HELD, None, True, id="deleted"),
        pytest.param(None, HELD, True, id="made"),
        pytest.param(None, None, False, id="still none"),
    ],
)
def test_only_a_renewal_or_another_holder_makes_the_wait_begin_anew(
    before: Lease | None, after: Lease | None, is_new: bool
) -> None:
    seen = Sight(before, 100.0).then(after, 107.0)

    assert seen == Sight(after, 107.0 if is_new else 100.0)


@pytest.mark.parametrize(
    ("lease", "floor", "epoch"),
    [
        pytest.param(None, 0, 1, id="the first ever"),
        pytest.param(HELD, 0, 4, id="the next"),
        pytest.param(None, 7, 8, id="the Lease was lost, and its count with it"),
        pytest.param(HELD, 7, 8, id="a status says more than the Lease"),
    ],
)
def test_each_epoch_is_higher_than_all_before(lease: Lease | None, floor: int, epoch: int) -> None:
    assert next_epoch(lease, floor) == epoch
