"""One run, one folder for the logs of every real part, and at most one shared control plane (see rig.run)."""

import pytest

from rig.run import Run

_RUN = pytest.StashKey[Run]()
_FAILED = pytest.StashKey[bool]()
_LONGEST_FIRST = (
    "real/image/test_size",  # it builds the image; the others of that folder find it built when their turn comes
    "real/controller/test_kill_sweep",
    "real/controller/test_quiet",
    "real/demo",
    "real/docs",
    "real/leadership/test_clocks",
    "real/controller/test_removal",
    "engine/test_properties",
    "real/controller",
    "real",
)


def _leads(config: pytest.Config) -> bool:
    """Whether this is the run's first process, not a worker of pytest-xdist."""
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Open the run before any worker process is started: they inherit its folder through the environment."""
    if _leads(config):
        config.stash[_RUN] = Run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that the processes of a parallel run end together."""
    items.sort(key=lambda item: next((i for i, part in enumerate(_LONGEST_FIRST) if part in item.nodeid), len(items)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say where the logs are when there is a reason to read them."""
    has_failed = bool(terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"))
    config.stash[_FAILED] = has_failed
    run = config.stash[_RUN]
    if has_failed and run.logs():
        terminalreporter.write_line(f"logs of the control plane, gateways and operators: {run.folder}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the run's processes shared."""
    if config.stash.get(_RUN, None):
        config.stash[_RUN].end(keep_logs=config.stash.get(_FAILED, False))
