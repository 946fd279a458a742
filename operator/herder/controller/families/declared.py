"""One resource's declaration: compared with what replicas list, and made into the runs that bring it there."""

import abc
from collections.abc import Awaitable, Callable

from herder.api.status import WorkflowStatus
from herder.controller.families.work import Order, Work
from herder.controller.listing.observation import Observation
from herder.controller.listing.views import View
from herder.gateway.replica import Replica
from herder.workflows.entry import Entry
from herder.workflows.look import Look

type Post = Callable[[Replica], Awaitable[str]]
"""Registers something on a replica and returns the id that it is given there. Raises GatewayError."""


class Declared(abc.ABC):
    """One resource's declaration with everything that it refers to."""

    @property
    @abc.abstractmethod
    def key(self) -> str:
        """Return what identifies it on a replica."""

    @property
    @abc.abstractmethod
    def spec_hash(self) -> str:
        """Return a hash of all that is declared and sent, Secrets included."""

    def seen(self) -> Observation | None:
        """Return what is seen of it, for kinds that no replica lists; None where each replica's list is looked at."""
        return None

    @abc.abstractmethod
    def look(self, record: Entry, view: View) -> Look:
        """Compare it with what a replica lists. Pure."""

    @abc.abstractmethod
    def registration(self, order: Order) -> Work:
        """Return the run that brings it onto every replica, wherever it stands there."""

    def again(self, status: WorkflowStatus) -> Post | None:  # noqa: ARG002  (the default)
        """Return what gives it back, as it was, to a replica that has lost it; None where only a run can."""
        return None

    def update(self, order: Order) -> Work:
        """Return the run that changes what is registered under its key already; only for kinds that have one."""
        return self.registration(order)
