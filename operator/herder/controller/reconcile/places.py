"""Whether a resource is where it is declared, and whether it can be at both places while it moves between them."""

from herder.controller.fleet.gateways import Gateway
from herder.controller.known.holders import is_in_circle
from herder.controller.known.objects import Objects
from herder.controller.known.subject import Subject
from herder.controller.reconcile.glance import only_observed


def is_elsewhere_now(subject: Subject) -> bool:
    """Whether it is registered at another place than is declared."""
    standing = subject.registered
    if standing is None or subject.gateway is None:
        return False
    claim = subject.family.contested(subject.raw_spec)
    is_other_key = subject.family.moves and claim is not None and standing.key != claim
    return standing.gateway != subject.gateway or is_other_key


def may_be_both(subject: Subject, gateway: Gateway | None, objects: Objects) -> bool:
    """Whether it is registered under another key than is declared, on the same gateway, and can be under both at once.

    Of its kind's choice, and where room is left for one more former key. Resources that change places can't be.
    """
    standing, family = subject.registered, subject.family
    if standing is None or standing.gateway != subject.gateway or only_observed(gateway):
        return False
    claim = family.contested(subject.raw_spec)
    if claim is None or claim == standing.key or not family.moves:
        return False
    has_room = claim in subject.former or len(subject.former) < family.most_former
    return has_room and not is_in_circle(subject, claim, objects)
