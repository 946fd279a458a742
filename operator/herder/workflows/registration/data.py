"""What a registration run works on."""

from dataclasses import dataclass

from herder.workflows.convergence import Convergence
from herder.workflows.removal.data import Removal


@dataclass(slots=True)
class Registration(Convergence):
    """The data of one `worker-registration` run, or of a `worker-move`."""

    former: tuple[Removal, ...] = ()
    """What the worker is to be taken off under the URLs that it had before, once it serves under the new one."""
