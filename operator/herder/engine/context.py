"""What a step is given."""


class WorkflowContext[D]:
    """One step's view of its instance.

    `data` is the one object that all steps of the instance share: alter it, it can't be replaced, so parallel branches
    never overwrite each other. `attempt` counts from 1; it is 0 while the step's condition is asked.
    """

    __slots__ = ("_data", "attempt", "instance_id", "step_id")

    def __init__(self, instance_id: str, step_id: str, attempt: int, data: D) -> None:
        self.instance_id = instance_id
        self.step_id = step_id
        self.attempt = attempt
        self._data = data

    @property
    def data(self) -> D:
        """The object given to `start_workflow`."""
        return self._data

    def seal(self) -> None:
        """Take `data` away, from a step that goes on after it was told to stop: its next use is an AttributeError."""
        del self._data

    def take_over(self) -> "WorkflowContext[D]":
        """Return a context that has what this one has, and seal this one."""
        successor = WorkflowContext(self.instance_id, self.step_id, self.attempt, self._data)
        self.seal()
        return successor
