"""What the engine raises.

WorkflowError
├── DefinitionError (ValueError)       a definition that could never run; raised when it is made
│   ├── MissingDependencyError         a step waits for one that is not there
│   ├── DependencyCycleError           steps that wait for each other
│   └── DuplicateStepError             two steps with one id
├── UnknownWorkflowError (LookupError) nothing is registered under this definition id
├── UnknownInstanceError (LookupError) neither the engine nor its store knows this instance
├── WaitTimeoutError (TimeoutError)    the waiter's own time is up; the workflow goes on
├── StepTimeoutError (TimeoutError)    one attempt of a step took longer than it may
└── EngineShutDownError                the engine takes no more workflows, or was torn down while this one ran
"""


class WorkflowError(Exception):
    """The root: `except WorkflowError` catches whatever the engine itself has to say."""


class DefinitionError(WorkflowError, ValueError):
    """A step or workflow definition that could never run."""


class MissingDependencyError(DefinitionError):
    """A step depends on an id that no step of the workflow has."""

    def __init__(self, step_id: str, dependency: str) -> None:
        super().__init__(f"step {step_id!r} depends on {dependency!r}, which is no step of the workflow")
        self.step_id = step_id
        self.dependency = dependency


class DependencyCycleError(DefinitionError):
    """Steps wait for each other. `cycle` lists them in order, each depending on the next, the last on the first."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        super().__init__("steps wait for each other: " + " -> ".join((*cycle, cycle[0])))
        self.cycle = cycle


class DuplicateStepError(DefinitionError):
    """Two steps of one workflow have the same id."""

    def __init__(self, step_id: str) -> None:
        super().__init__(f"two steps are called {step_id!r}")
        self.step_id = step_id


class UnknownWorkflowError(WorkflowError, LookupError):
    """No workflow is registered under the id."""

    def __init__(self, definition_id: str) -> None:
        super().__init__(f"no workflow {definition_id!r} is registered")
        self.definition_id = definition_id


class UnknownInstanceError(WorkflowError, LookupError):
    """No instance is known under the id."""

    def __init__(self, instance_id: str, why: str = "it is not known") -> None:
        super().__init__(f"instance {instance_id!r}: {why}")
        self.instance_id = instance_id


class WaitTimeoutError(WorkflowError, TimeoutError):
    """The waiter's timeout passed before the workflow ended. The workflow was not touched."""

    def __init__(self, instance_id: str, timeout_s: float) -> None:
        super().__init__(f"instance {instance_id!r} has not ended within {timeout_s:g} s")
        self.instance_id = instance_id
        self.timeout_s = timeout_s


class StepTimeoutError(WorkflowError, TimeoutError):
    """One attempt of a step (or its condition, or a hook) took longer than the step's timeout."""

    def __init__(self, step_id: str, timeout_s: float) -> None:
        super().__init__(f"step {step_id!r} timed out after {timeout_s:g} s")
        self.step_id = step_id
        self.timeout_s = timeout_s


class EngineShutDownError(WorkflowError):
    """The engine takes no more workflows, or its tasks were cancelled from outside while this one ran."""
