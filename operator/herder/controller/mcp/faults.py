"""What the API server's refusals mean for a step of a workflow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from herder.controller.cluster.errors import Forbidden, KubeError, Rejected
from herder.workflows.errors import Permanent, Transient


@asynccontextmanager
async def faults() -> AsyncIterator[None]:
    """Raise StepFault where the block raises KubeError."""
    try:
        yield
    except Forbidden as error:
        raise Transient(
            "NotPermitted", f"herder lacks the rights to do it: update its chart's roles ({error})"
        ) from error
    except Rejected as error:
        raise Permanent("PublishRefused", str(error)) from error
    except KubeError as error:
        raise Transient("ApiServerUnreachable", str(error)) from error
