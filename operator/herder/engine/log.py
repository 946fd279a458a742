"""A subscriber that writes every event to the log."""

from dataclasses import asdict

import structlog

from herder.engine.events import Event, StepFailed, StepRetrying, WorkflowFailed

log = structlog.get_logger(__name__)


class LoggingSubscriber:
    """Logs each event under a constant name, its fields as they are: failures as warnings, the rest as information."""

    async def on_event(self, event: Event) -> None:
        """Log the event."""
        write = log.warning if isinstance(event, WorkflowFailed | StepFailed | StepRetrying) else log.info
        write(_NAMES[type(event).__name__], **asdict(event))


_NAMES = {
    "WorkflowStarted": "workflow.started",
    "WorkflowCompleted": "workflow.completed",
    "WorkflowFailed": "workflow.failed",
    "WorkflowCancelled": "workflow.cancelled",
    "WorkflowPaused": "workflow.paused",
    "WorkflowUnpaused": "workflow.unpaused",
    "StepStarted": "step.started",
    "StepSucceeded": "step.succeeded",
    "StepFailed": "step.failed",
    "StepRetrying": "step.retrying",
    "StepSkipped": "step.skipped",
}
