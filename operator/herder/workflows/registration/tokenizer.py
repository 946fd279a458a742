"""Whether each replica could load the tokenizer that it needs for a gRPC worker, which it tries by itself."""

from typing import ClassVar

from herder.engine import WorkflowContext
from herder.net.text import untrusted
from herder.workflows.driving import served_by
from herder.workflows.errors import Transient
from herder.workflows.fanout import drive_in_reach
from herder.workflows.ports import Replica
from herder.workflows.registration.data import Registration
from herder.workflows.step import Step

type Context = WorkflowContext[Registration]


def speaks_grpc(context: Context) -> bool:
    """Whether the gateway makes its prompts into tokens itself."""
    return context.data.plan.is_grpc


class VerifyTokenizer(Step[Registration]):
    """Every replica that answers has loaded a tokenizer for the worker's model, or needs none to be ready.

    Measured on smg 1.13.0: it loads one named after the model from where the worker says, three times within five
    seconds, and tells in its log alone why that failed; then its own /readiness is 503, whatever else it serves, until
    somebody loads one of that name. So this fails with a remedy, which does not undo the registration.
    """

    id: ClassVar[str] = "verify_tokenizer"

    async def attempt(self, context: Context) -> None:
        """Look for the tokenizers by their names; where one is missing, ask the replica whether it misses it."""
        data = context.data

        async def look(replica: Replica) -> None:
            models = sorted(await served_by(replica, data))
            missing = [model for model in models if await replica.tokenizers.find(model) is None]
            if missing and "tokenizer" in (await replica.readiness()).reason:
                raise _not_loaded(replica.endpoint, untrusted(missing[0], secrets=data.secrets))

        await drive_in_reach(data, look, context.attempt)


def _not_loaded(endpoint: str, model: str) -> Transient:
    return Transient(
        "TokenizerNotLoaded",
        f"{endpoint} has loaded no tokenizer for {model}, its log says why, and it is not ready without: declare a "
        f"Tokenizer with spec.name {model} and a source that it reaches, or start it with --disable-tokenizer-autoload",
    )
