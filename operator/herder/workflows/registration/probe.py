"""The steps that ask the worker itself: none of them runs where the replicas are to find out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from herder.engine import StepResult, WorkflowContext
from herder.workflows.discovery import ask_models, checked_models, models_served
from herder.workflows.probing import ServedModel, ServerInfo
from herder.workflows.registration.data import Registration
from herder.workflows.step import Step

type Context = WorkflowContext[Registration]

_OWNERS: Final = {"sglang": "sglang", "nvidia": "sglang", "vllm": "vllm"}
"""Which runtime the `owned_by` of a served model gives away; the gateway reads it so, too."""

GENERIC: Final = "generic"


def is_probed_here(context: Context) -> bool:
    """Whether the probing steps are to run; else they are Skipped."""
    return context.data.plan.is_probed_here


def is_discovered_here(context: Context) -> bool:
    """Whether an external provider is to be asked for its models; else that is Skipped."""
    return context.data.plan.is_discovered_here


class Classify(Step[Registration]):
    """What kind of worker the declaration means: its runtime as declared, its connection as the URL says."""

    id: ClassVar[str] = "classify"

    async def attempt(self, context: Context) -> None:
        """Refuse an address that nobody may be sent to, and note what the declaration itself says."""
        data = context.data
        await data.prober.vet(data.plan.url)
        mode = "grpc" if data.plan.is_grpc else "http"
        data.facts = replace(data.facts, connection_mode=mode, runtime=data.plan.runtime)


class DetectConnection(Step[Registration]):
    """The worker answers its health check; this step has its startup budget for it."""

    id: ClassVar[str] = "detect_connection"

    async def attempt(self, context: Context) -> None:
        """Ask once whether the worker is up."""
        prober, plan = context.data.prober, context.data.plan
        if plan.is_grpc:
            await prober.grpc.runtime(plan.asked)
        else:
            await prober.check_health(plan.url)


class DetectBackend(Step[Registration]):
    """Which runtime serves: as declared, else as the owner of its models, its version or its server info gives away."""

    id: ClassVar[str] = "detect_backend"

    async def attempt(self, context: Context) -> None:
        """Ask for the models, and further only if those give nothing away."""
        data = context.data
        if data.plan.is_grpc:
            data.facts = replace(data.facts, runtime=await data.prober.grpc.runtime(data.plan.asked))
            return
        url, key = data.plan.url, data.plan.api_key
        served = await data.prober.list_models(url, key)
        if data.plan.runtime is not None:
            return
        runtime = _owner_of(served)
        if runtime is None and await data.prober.version(url, key) is not None:
            runtime = "vllm"
        if runtime is None and await data.prober.server_info(url, key) is not None:
            runtime = "sglang"
        data.facts = replace(data.facts, runtime=runtime or GENERIC)


def _owner_of(served: Sequence[ServedModel]) -> str | None:
    return next((_OWNERS[model.owned_by] for model in served if model.owned_by in _OWNERS), None)


class DiscoverMetadata(Step[Registration]):
    """Which models it serves and in which version. A worker that lists none yet is not registered half known."""

    id: ClassVar[str] = "discover_metadata"

    async def attempt(self, context: Context) -> None:
        """Read the models anew: /health may answer before the models are loaded."""
        data = context.data
        served = await ask_models(data)
        models = checked_models(served, data)
        version = await _version(data)
        data.facts = replace(
            data.facts,
            models=models,
            context_length=served[0].context_length,
            version=version or data.facts.version,
        )


async def _version(data: Registration) -> str | None:
    """Ask those that have an endpoint for it; the others tell it with their ranks."""
    plan = data.plan
    is_vllm = data.facts.runtime == "vllm" and not plan.is_grpc
    return await data.prober.version(plan.url, plan.api_key) if is_vllm else None


class DiscoverModels(Step[Registration]):
    """Which models an external provider serves; it has no health check of its own, and its key is tried with this.

    The gateway asks for them, too, and takes no others: of models that are declared it must serve every one. Without a
    key it is registered for whatever model it is asked for, and there is nothing to ask.
    """

    id: ClassVar[str] = "discover_models"

    async def attempt(self, context: Context) -> StepResult | None:
        """Ask for the models with the key."""
        data = context.data
        if data.plan.api_key is None:
            return StepResult.SKIP
        data.facts = replace(data.facts, models=await models_served(data))
        return None


class DiscoverDataParallel(Step[Registration]):
    """How many data-parallel ranks stand behind the URL; over HTTP only SGLang tells."""

    id: ClassVar[str] = "discover_dp"

    async def attempt(self, context: Context) -> StepResult | None:
        """Read the ranks from the server info."""
        data = context.data
        info = await _server_info(data)
        if info is None:
            return StepResult.SKIP
        data.facts = replace(data.facts, dp_size=info.dp_size or 1, version=info.version or data.facts.version)
        return None


async def _server_info(data: Registration) -> ServerInfo | None:
    plan = data.plan
    if plan.is_grpc:
        return await data.prober.grpc.server_info(plan.asked)
    return await data.prober.server_info(plan.url, plan.api_key) if data.facts.runtime == "sglang" else None
