"""Ids for instances."""

import itertools
import os
from collections.abc import Callable


def unique_ids() -> Callable[[], str]:
    """Return what makes ids that nobody else's are like: 64 random bits for all of them, and a number for each.

    A random number for each would cost more than a step does.
    """
    prefix = os.urandom(8).hex()
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers):x}"
