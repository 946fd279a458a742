"""What one replica's list says of a module that is declared: pure, and the same for a run's steps and between runs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from herder.api.status import EntryState
from herder.gateway.wasm import Module
from herder.net.text import untrusted
from herder.workflows.entry import Entry
from herder.workflows.look import Look
from herder.workflows.owner import Owner
from herder.workflows.wasm.naming import ModuleName
from herder.workflows.wasm.plan import WasmPlan


@dataclass(frozen=True, slots=True)
class Sight:
    """The listed modules that have to do with a declaration, the oldest first in each group."""

    right: tuple[Module, ...]
    """Under its name and as declared; more than one are copies."""
    wrong: tuple[Module, ...]
    """Under its name, but with another content, path or attach points."""
    former: tuple[Module, ...]
    """The same resource's, as it was declared before."""
    foreign: tuple[Module, ...]
    """Others' with the content that is declared, beside which the gateway takes no second one."""

    @property
    def superfluous(self) -> tuple[Module, ...]:
        """What is to go once the replica has the module as declared."""
        return (*self.right[1:], *self.wrong, *self.former)


def see(plan: WasmPlan, listed: Iterable[Module], content: str | None = None) -> Sight:
    """Sort what a replica lists. `content` is the file's sha256 where that is known though none is declared."""
    groups: dict[str, list[Module]] = {"right": [], "wrong": [], "former": [], "foreign": []}
    for module in sorted(set(listed), key=lambda module: module.id):  # ids begin with the time
        group = _group(plan, module, plan.spec.sha256 or content)
        if group is not None:
            groups[group].append(module)
    return Sight(**{name: tuple(modules) for name, modules in groups.items()})


def _group(plan: WasmPlan, module: Module, content: str | None) -> str | None:
    if module.name == plan.name:
        return "wrong" if difference(plan, module) else "right"
    if is_owned(plan.owner, module):
        return "former"
    return "foreign" if module.sha256 == content else None


def is_owned(owner: Owner, module: Module) -> bool:
    """Whether a module is this resource's, or was one of the same name's that was deleted and made anew."""
    name = ModuleName.of(module.name)
    return name is not None and name.owner.place == owner.place


def owner_of(module: Module) -> Owner | None:
    """Return whose a module says to be; None if herder did not make it."""
    name = ModuleName.of(module.name)
    return name.owner if name is not None else None


def difference(plan: WasmPlan, module: Module) -> str | None:
    """Return the first difference between a module and its declaration, as a line for people; None if there is none."""
    if plan.spec.sha256 not in {None, module.sha256}:
        return f"its content has the sha256 {untrusted(module.sha256)}, not {plan.spec.sha256}"
    if module.path != plan.spec.source.path:
        return f"it was read from {untrusted(module.path)}, not from {plan.spec.source.path}"
    if set(module.attach_points) != set(plan.module_spec.attach_points):
        points = untrusted(", ".join(module.attach_points) or "nothing")
        return f"it is attached to {points}, not to {', '.join(plan.module_spec.attach_points)}"
    return None


def look(plan: WasmPlan, record: Entry, listed: Iterable[Module], content: str | None = None) -> Look:
    """Compare what a replica lists, under the plan's `listing_keys` at least, with a declaration.

    `content` is as in `see`. `verified_at` of the entry is None where its state is news: whoever has a clock fills it
    in.
    """
    sight = see(plan, listed, content)
    if sight.right:
        fault = _surplus(sight)
        return Look(_seen(record, EntryState.READY, sight.right[0].id, plan.spec_hash), fault is None, fault)
    if sight.wrong:
        entry = _seen(record, EntryState.READY, sight.wrong[0].id, None)
        return Look(entry, has_it=False, difference=difference(plan, sight.wrong[0]))
    if sight.former:
        return Look(_seen_former(record, sight.former[-1]), has_it=False, difference="it lists the module as before")
    if sight.foreign:
        entry = _seen(record, EntryState.FOREIGN, sight.foreign[0].id, None)
        owner = owner_of(sight.foreign[0])
        return Look(entry, has_it=False, difference=foreign_text(sight.foreign[0], plan.owner), owner=owner)
    if record.is_lost_add:
        return Look(_seen(record, EntryState.PENDING, None, record.spec_hash), has_it=False)
    return Look(_seen(record, EntryState.ABSENT, None, None), has_it=False, difference="it does not list the module")


def _surplus(sight: Sight) -> str | None:
    if len(sight.right) > 1:
        return f"it lists {len(sight.right)} copies of the module"
    return "it lists the module as it was before, too" if sight.superfluous else None


def _seen(record: Entry, state: EntryState, module_id: str | None, spec_hash: str | None) -> Entry:
    verified_at = record.verified_at if state is record.state else None
    return replace(record, state=state, worker_id=module_id, spec_hash=spec_hash, verified_at=verified_at)


def _seen_former(record: Entry, former: Module) -> Entry:
    name = ModuleName.of(former.name)
    return _seen(record, EntryState.READY, former.id, name.spec_hash if name else None)


def foreign_text(module: Module, us: Owner) -> str:
    """Say whose a module is that has the declared content, and what can be done about it."""
    name = ModuleName.of(module.name)
    if name is None:
        whose = f"somebody else as {untrusted(module.name)}"
    else:
        is_here = name.owner.installation == us.installation
        where = "here" if is_here else f"of herder installation {name.owner.installation}"
        whose = f"the resource {untrusted(f'{name.owner.namespace}/{name.owner.name} {where}')}"
    return (
        f"a module with this content is registered already, by {whose}, and the gateway takes no second one: remove it "
        'there, or annotate this resource with herder.dev/adopt: "true" to have it replaced'
    )
