"""A replica that hangs costs one call at a time, not every call its whole deadline.

Once a call's deadline has passed and nothing was answered meanwhile, the replica counts as silent: one call is let
through to find out whether it still is, and those beside it fail at once. Any answer ends that, and so does a
connection that is refused, for those fail fast by themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from herder.gateway.errors import Unavailable


class Silence:
    """Whether the replica at `endpoint` answers, as far as its calls tell."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._answers = 0
        self._is_silent = False
        self._is_asked = False
        """Whether a call is under way that will tell whether it is silent still."""

    def check(self) -> None:
        """Raise Unavailable where a call would not be let through."""
        if self._is_silent and self._is_asked:
            raise Unavailable(f"{self._endpoint} does not answer: it is asked by one call at a time until it does")

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Make one call, which raises TimeoutError where it runs out of time. Raises as `check` does."""
        self.check()
        answers_before = self._answers
        is_the_one = self._is_silent
        self._is_asked = self._is_asked or is_the_one
        try:
            yield
        except TimeoutError:
            self._is_silent = self._answers == answers_before
            raise
        except Exception:
            self._heard()
            raise
        else:
            self._heard()
        finally:
            if is_the_one:
                self._is_asked = False

    def _heard(self) -> None:
        self._answers += 1
        self._is_silent = False
