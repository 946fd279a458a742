"""Who else hears of runs: what counts them, and what traces them. A listener must neither wait nor raise."""

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from herder.controller.running.line import Turn
from herder.engine import StepEvent

if TYPE_CHECKING:
    from herder.controller.running.runs import Run


class Ending(StrEnum):
    """How a run came to an end here. The first three are how it ended for good."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    STOPPED = "Stopped"
    """Something else was decided. It may go on one day, if the same is decided again."""
    LEFT = "Left"
    """This process goes no further with it; another will."""


class RunListener(Protocol):
    """Hears of a run from its beginning here to its end here."""

    def begun(self, run: "Run", turn: Turn) -> None:
        """Take note of a run whose beginning, or going on, is written."""
        ...

    def on_step(self, run: "Run", event: StepEvent) -> None:
        """Take note of what a step of it tells."""
        ...

    def over(self, run: "Run", ending: Ending) -> None:
        """Take note of its end: told several times the first one counts, told without `begun` none does."""
        ...
