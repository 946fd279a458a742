"""The steps that change the replicas: register, verify what each has read, and only then take off what was before."""

from functools import partial
from typing import ClassVar, Final

from herder.engine import StepResult, WorkflowContext
from herder.workflows.errors import Permanent, Transient
from herder.workflows.fanout import drive, drive_in_reach, on_each
from herder.workflows.step import Step
from herder.workflows.wasm.advance import bring, delete, mismatch, withdraw
from herder.workflows.wasm.data import Replica, WasmRegistration
from herder.workflows.wasm.sight import difference, look, see

type Context = WorkflowContext[WasmRegistration]

_PATIENCE_S: Final = 5.0
"""How long a replica that hangs may hold up the withdrawal from the others."""


class Reversible(Step[WasmRegistration]):
    """A step that, when it has failed for good, leaves the module as it was before at work alone where there is one."""

    async def on_failure(self, context: Context, error: Exception) -> None:
        """Take back what this run has added beside a former module, as far as the replicas answer."""
        await super().on_failure(context, error)
        data = context.data
        touched = [replica for replica in data.replicas if replica.endpoint in data.added]
        await on_each(touched, partial(withdraw, data=data), data, patience_s=_PATIENCE_S)


class Register(Reversible):
    """Every replica that answers lists a module under the declared name; the gateway registers while one waits."""

    id: ClassVar[str] = "register"

    async def attempt(self, context: Context) -> None:
        """Bring each replica there."""
        data = context.data
        await drive(data, partial(bring, data=data), context.attempt)


class Verify(Reversible):
    """What each replica has read is what is declared: content, path and attach points."""

    id: ClassVar[str] = "verify"

    async def attempt(self, context: Context) -> None:
        """Compare every listed module; what is otherwise is taken off again."""
        data = context.data

        async def compare(replica: Replica) -> None:
            listed = await replica.wasm.list_modules()
            sight = see(data.plan, listed)
            if sight.right:
                data.sha256, data.size_bytes = sight.right[0].sha256, sight.right[0].size_bytes
                data.note(replica.endpoint, look(data.plan, data.entry(replica.endpoint), listed).entry)
                return
            if sight.wrong:
                await delete(replica, sight.wrong)
                raise _fault(replica, data, sight.wrong[0].sha256, difference(data.plan, sight.wrong[0]))
            await bring(replica, data)
            raise Transient("NotListed", f"{replica.endpoint}: it has taken the module off its list again")

        await drive_in_reach(data, compare, context.attempt)


def _fault(replica: Replica, data: WasmRegistration, found: str, line: str | None) -> Permanent:
    if data.plan.spec.sha256 not in {None, found}:
        return mismatch(replica.endpoint, data, found)
    return Permanent("NotAsDeclared", f"{replica.endpoint}: {line}")


class RetireFormer(Step[WasmRegistration]):
    """Nothing of the module as it was before is left on a replica that has it as declared, and no copy."""

    id: ClassVar[str] = "retire_former"

    async def attempt(self, context: Context) -> StepResult | None:
        """Take off what is superfluous; Skipped if nothing is."""
        data = context.data
        retired: list[str] = []

        async def retire(replica: Replica) -> None:
            listed = await replica.wasm.list_modules()
            sight = see(data.plan, listed)
            superfluous = sight.superfluous if sight.right else ()  # what has vanished since is for another run
            retired.extend(module.id for module in superfluous)
            await delete(replica, superfluous)
            left = [module for module in listed if module not in superfluous]
            data.note(replica.endpoint, look(data.plan, data.entry(replica.endpoint), left).entry)

        await drive_in_reach(data, retire, context.attempt)
        return None if retired or context.attempt > 1 else StepResult.SKIP
