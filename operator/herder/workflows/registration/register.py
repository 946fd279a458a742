"""The steps that drive the replicas."""

from typing import ClassVar

from herder.workflows.driving import AwaitListed, Send
from herder.workflows.registration.data import Registration


class Register(Send[Registration]):
    """Every replica that answers has been asked to register the worker, or has it already."""

    id: ClassVar[str] = "register"


class AwaitReady(AwaitListed[Registration]):
    """Every replica that answers lists the worker with the declaration applied, ready or found sick by its checks."""

    id: ClassVar[str] = "await_ready"
