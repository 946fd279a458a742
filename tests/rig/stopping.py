"""Parts that a `with` block ends."""

import abc
from types import TracebackType
from typing import Self


class Stoppable(abc.ABC):
    """Something that runs until it is stopped: by hand, or at the end of a block."""

    @abc.abstractmethod
    def stop(self) -> None:
        """End it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
