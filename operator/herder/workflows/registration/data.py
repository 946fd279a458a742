"""What a registration run works on."""

from dataclasses import dataclass

from herder.workflows.convergence import Convergence


@dataclass(slots=True)
class Registration(Convergence):
    """The data of one `worker-registration` run."""
