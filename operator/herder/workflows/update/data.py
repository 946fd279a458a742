"""What an update run works on."""

from dataclasses import dataclass

from herder.workflows.convergence import Convergence


@dataclass(slots=True)
class Update(Convergence):
    """The data of one `worker-update` run; `facts` begins as what is known of the worker."""
