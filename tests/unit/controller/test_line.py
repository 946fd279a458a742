"""Who is next for a place."""

import pytest

from herder.controller.known.objects import Key
from herder.controller.running.line import Line, Rank, Turn, share

A, B, C = (Key("ModelGateway", "ns", name) for name in "abc")


class Desk:
    """A line whose waiters are named, each a second after the last."""

    def __init__(self, places: int = 8, gateways: int = 1) -> None:
        self.line: Line[str] = Line()
        self._places = places
        self._gateways = gateways
        self._count = 0

    def come(self, name: str, rank: Rank = Rank.WORKER, gateway: Key = A, times: int = 1) -> None:
        for _ in range(times):
            self._count += 1
            self.line.join(Turn(gateway, rank), float(self._count), name)

    def served(self) -> list[str]:
        """Those who get a place now."""
        names = []
        while (waiter := self.line.next(self._places, self._gateways)) is not None:
            names.append(waiter.who)
        return names

    def one_after_another(self, count: int, gateway: Key = A) -> list[str]:
        """Those who get a place, each after the last gave it back."""
        names = []
        for _ in range(count):
            waiter = self.line.next(1, self._gateways)
            assert waiter is not None
            names.append(waiter.who)
            self.line.put_back(waiter.turn)
        return names


SHARES: dict[str, tuple[tuple[int, int, int], int]] = {
    "the only gateway": ((32, 1, 0), 32),
    "the first of two": ((32, 2, 0), 16),
    "the second of two": ((32, 2, 16), 16),
    "the first of many": ((32, 50, 0), 16),
    "the second of many": ((32, 50, 16), 8),
    "the last place": ((32, 50, 31), 1),
    "a single place": ((1, 2, 0), 1),
}


@pytest.mark.parametrize(("of", "places"), SHARES.values(), ids=SHARES)
def test_what_one_gateway_may_hold(of: tuple[int, int, int], places: int) -> None:
    assert share(*of) == places


def test_however_many_gateways_hang_there_is_a_place_for_one_more() -> None:
    held = 0
    for _ in range(5):
        held += share(32, 50, held)

    assert held < 32


def test_removals_come_first_then_workers_then_the_rest() -> None:
    desk = Desk()
    desk.come("module", Rank.REST)
    desk.come("worker")
    desk.come("removal", Rank.REMOVAL)

    assert desk.served() == ["removal", "worker", "module"]


def test_of_one_rank_the_first_comes_first() -> None:
    desk = Desk()
    for name in "abc":
        desk.come(name)

    assert desk.served() == list("abc")


def test_nobody_waits_for_ever_behind_what_is_more_urgent() -> None:
    desk = Desk()
    desk.come("module", Rank.REST)
    desk.come("worker", Rank.WORKER)
    desk.come("removal", Rank.REMOVAL, times=20)

    served = desk.one_after_another(12)

    assert served.index("module") == 3
    assert served.index("worker") == 7


def test_a_removal_is_next_however_many_registrations_wait() -> None:
    desk = Desk()
    desk.come("worker", times=1000)
    desk.come("removal", Rank.REMOVAL)

    assert "removal" in desk.one_after_another(1)


def test_a_gateway_with_a_thousand_runs_leaves_the_first_place_to_another() -> None:
    desk = Desk(places=8, gateways=2)
    desk.come("many", times=1000)
    desk.come("one", gateway=B)

    assert sorted(desk.served()) == ["many"] * 4 + ["one"]


def test_a_gateway_that_hangs_holds_no_more_than_its_share() -> None:
    desk = Desk(places=8, gateways=3)
    desk.come("hangs", times=100)
    first = desk.served()
    desk.come("hangs, too", gateway=B, times=100)
    second = desk.served()
    desk.come("well", gateway=C)

    assert (len(first), len(second), desk.served()) == (4, 2, ["well"])


def test_one_who_has_left_is_not_served() -> None:
    desk = Desk()
    gone = desk.line.join(Turn(A), 0.0, "gone")
    desk.come("there")
    gone.has_left = True

    assert [waiter.who for waiter in desk.line] == ["there"]
    assert desk.served() == ["there"]


def test_of_gateways_that_come_and_go_nothing_is_kept() -> None:
    desk = Desk()
    gateways = [Key("ModelGateway", "ns", f"gw-{number}") for number in range(10)]
    for gateway in gateways:
        desk.come("somebody", gateway=gateway)

    desk.one_after_another(len(gateways))
    desk.served()

    assert (dict(desk.line._held), dict(desk.line._lines)) == ({}, {})
