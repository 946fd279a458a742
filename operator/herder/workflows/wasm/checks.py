"""The steps before any replica is changed, in the order of the gateway's own: its rules, said before it can refuse.

Those that read the file are Skipped where it does not lie on herder's own disk.
"""

from typing import ClassVar, Final

from herder.api.paths import check_path
from herder.engine import StepResult, WorkflowContext
from herder.net.text import untrusted
from herder.workflows.errors import Permanent, Transient
from herder.workflows.fanout import drive
from herder.workflows.step import Step
from herder.workflows.wasm.advance import may_take, mismatch, refused
from herder.workflows.wasm.data import Replica, WasmRegistration
from herder.workflows.wasm.files import component_fault
from herder.workflows.wasm.sight import see

type Context = WorkflowContext[WasmRegistration]

_HERE: Final = "on herder's own disk"


class ValidateDescriptor(Step[WasmRegistration]):
    """The path is none that a gateway refuses, nor, where it is a symbolic link here, is what that leads to."""

    id: ClassVar[str] = "validate_descriptor"

    async def attempt(self, context: Context) -> None:
        """Follow the path once."""
        path = context.data.plan.spec.source.path
        file = await context.data.files.read(path)
        try:
            check_path(path)
            check_path(path if file is None else file.path)
        except ValueError as error:
            leads = "" if file is None or file.path == path else f", which leads to {untrusted(file.path)}"
            raise Permanent("PathRefused", f"spec.source.path is {path}{leads}: {error}") from None


class CalculateHash(Step[WasmRegistration]):
    """The file is the one that is declared."""

    id: ClassVar[str] = "calculate_hash"

    async def attempt(self, context: Context) -> StepResult | None:
        """Read the file; an empty one may still be copied."""
        data = context.data
        file = await data.files.read(data.plan.spec.source.path)
        if file is None:
            return StepResult.SKIP
        if not file.content:
            raise Transient("FileUnreadable", f"{data.plan.spec.source.path} is empty {_HERE}: put the module there")
        if data.plan.spec.sha256 not in {None, file.sha256}:
            raise mismatch(_HERE, data, file.sha256)
        data.sha256, data.size_bytes = file.sha256, len(file.content)
        return None


class ValidateComponent(Step[WasmRegistration]):
    """The file is a WebAssembly component: the gateway takes no core modules."""

    id: ClassVar[str] = "validate_component"

    async def attempt(self, context: Context) -> StepResult | None:
        """Have it judged."""
        path = context.data.plan.spec.source.path
        file = await context.data.files.read(path)
        if file is None or not file.content:
            return StepResult.SKIP
        fault = await component_fault(file.content)
        if fault is not None:
            raise Permanent("NotAComponent", f"{path} {_HERE} is no WebAssembly component: {fault}")
        return None


class CheckDuplicates(Step[WasmRegistration]):
    """No replica has the declared content from somebody else; nothing has been changed anywhere if one has."""

    id: ClassVar[str] = "check_duplicates"

    async def attempt(self, context: Context) -> None:
        """Look at every replica once."""
        data = context.data

        async def check(replica: Replica) -> None:
            sight = see(data.plan, await replica.wasm.list_modules())
            if sight.foreign and not sight.right and not may_take(data, sight.foreign):
                raise refused(replica.endpoint, data, sight.foreign[0])

        await drive(data, check, context.attempt)
