"""The next call that brings one replica's module towards what is declared, decided without I/O.

    listed under its name          listed with this content                  next
    as declared                    -                                         Done
    otherwise, sent by this run    -                                         Done      (verify judges it)
    otherwise                      -                                         Delete    (its file may be another by now)
    no                             a living resource's, or not adopted       Refuse
    no                             somebody else's, adopted                  Delete
    no                             this resource's, as it was before         Delete
    no                             -                                         Add

The gateway takes no second module of one content (measured on smg 1.13.0). So where nothing but the attach points or
the path changes, the old one has to go before the new one comes; a replica then goes without for some hundredths of a
second. In all other cases the old one stays until the new one is verified everywhere.
"""

from dataclasses import dataclass

from herder.gateway.wasm import Module
from herder.workflows.wasm.sight import Sight


@dataclass(frozen=True, slots=True)
class Add:
    """Have the replica read and register the module."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Take these modules off the replica, for they are in the way."""

    modules: tuple[Module, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The module may not be touched."""

    module: Module


@dataclass(frozen=True, slots=True)
class Done:
    """The replica lists a module under the declared name."""

    module: Module


type Move = Add | Delete | Refuse | Done


def next_move(sight: Sight, content: str | None, *, adopt: bool, is_sent: bool) -> Move:
    """Decide for one replica. `content` is what its file is known to hold; `is_sent`: this run has sent the module."""
    if sight.right:
        return Done(sight.right[0])
    if sight.wrong:
        return Done(sight.wrong[0]) if is_sent else Delete(sight.wrong)
    if sight.foreign:
        return Delete(sight.foreign) if adopt else Refuse(sight.foreign[0])
    same = tuple(module for module in sight.former if module.sha256 == content)
    return Delete(same) if same else Add()
