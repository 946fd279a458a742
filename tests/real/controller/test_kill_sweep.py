"""SIGKILL at every boundary of every step of every workflow: nothing is lost, doubled, resurrected or done again.

The boundaries are read off the definitions. For each an operator of its own, in a namespace of its own, runs into it;
then one operator finds all that these have left.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from herder.cli.catalog import workflows
from herder.controller.running.failpoints import END, START, Failpoint, Moment
from real.controller.kill_oracle import Seen, problems
from real.controller.kill_scenario import Scenario, Stand
from real.controller.kill_scenarios import SCENARIOS, scenario_of
from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg, running
from rig.operator_process import Operator
from rig.waiting import eventually
from rig.workers import MockWorkers, WorkerProcess

AT_ONCE = 3
"""Operators that start at the same time; each is a second of one core."""

DEATH_WITHIN_S = 120.0
SETTLED_WITHIN_S = 120.0
RESURRECTION_S = 2.5
"""The replicas look for a worker that they wait for each second: time for any ghost to appear."""


def boundaries(workflow: str, moment: Moment) -> tuple[Failpoint, ...]:
    """Return every failpoint of the workflow at that moment."""
    steps = [step.id for step in workflows()[workflow].steps]
    ends = {Moment.BEFORE: [START, END], Moment.AFTER: [], Moment.WRITTEN: [START, END]}[moment]
    return tuple(Failpoint(workflow, step, moment) for step in [*ends[:1], *steps, *ends[1:]])


@dataclass
class Case:
    """One kill: what is left by it, and the scenario that it fell into."""

    failpoint: Failpoint
    scenario: Scenario
    left: dict[str, Any] | None = None

    async def run_into(self, cluster: Cluster, log_dir: Path) -> None:
        """Let an operator run into the failpoint. Raises AssertionError if it does not."""
        stand = self.scenario.stand
        argv = ("--namespace", stand.declared.namespace, "--health-port", "0")
        operator = Operator.start(cluster, *argv, log_dir=log_dir, failpoint=str(self.failpoint))
        try:
            await self.scenario.prepare()
            await self.scenario.begin()
            await eventually(lambda: operator.process.returncode is not None, DEATH_WITHIN_S)
            assert operator.was_killed, operator.process.log_tail()
        finally:
            operator.kill()
        self.left = cluster.get(self.scenario.path)

    def problems(self, cluster: Cluster) -> list[str]:
        """Return what is wrong now."""
        scenario = self.scenario
        here, elsewhere = (
            [scenario.listed(replica) for replica in replicas]
            for replicas in (scenario.stand.replicas, scenario.stand.others)
        )
        seen = Seen(cluster.get(scenario.path), here, elsewhere)
        return [f"{self.failpoint}: {problem}" for problem in problems(scenario.expected, self.left, seen)]


@pytest.fixture
def replicas(moment: Moment, log_dir: Path) -> Iterator[tuple[Smg, ...]]:
    """Two fresh replicas that keep modules, too, and two of a second gateway where a resource may go there."""
    with running(4 if moment is Moment.WRITTEN else 2, "--enable-wasm", log_dir=log_dir) as started:
        yield started


@pytest.fixture
def make_case(
    control_plane: Cluster, replicas: tuple[Smg, ...], worker_process: WorkerProcess
) -> Iterator[Callable[[Failpoint], Case]]:
    """Makes cases, each with a namespace and mock workers of its own; they go with the test."""
    made: list[Scenario] = []

    def make(failpoint: Failpoint) -> Case:
        name = f"kill-{secrets.token_hex(4)}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        control_plane.apply(f"/api/v1/namespaces/{name}", body)
        workers = MockWorkers(worker_process.url, prefix=f"{name}-")
        stand = Stand(Declared(control_plane, name), replicas[:2], replicas[2:], workers)
        scenario = scenario_of(failpoint)(stand)
        made.append(scenario)
        return Case(replace(failpoint, count=scenario.count), scenario)

    yield make
    for scenario in made:
        scenario.close()
        scenario.stand.workers.clear()
        control_plane.delete(f"/api/v1/namespaces/{scenario.stand.declared.namespace}")


def test_every_workflow_is_killed() -> None:
    assert set(SCENARIOS) == set(workflows())


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("workflow", SCENARIOS)
async def test_killed_at_any_boundary_of_any_step_all_ends_as_if_it_had_not_been(
    workflow: str,
    moment: Moment,
    make_case: Callable[[Failpoint], Case],
    control_plane: Cluster,
    log_dir: Path,
    start_operator: Callable[..., Operator],
) -> None:
    cases = [make_case(failpoint) for failpoint in boundaries(workflow, moment)]

    await _kill_in(cases, control_plane, log_dir)
    start_operator(*(word for case in cases for word in ("--namespace", case.scenario.stand.declared.namespace)))

    await _settled(cases, control_plane)
    await asyncio.sleep(RESURRECTION_S)
    assert _problems(cases, control_plane) == []


async def _kill_in(cases: Sequence[Case], cluster: Cluster, log_dir: Path) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def kill_in(case: Case) -> None:
        async with places:
            try:
                await case.run_into(cluster, log_dir)
            except AssertionError as error:
                raise AssertionError(f"{case.failpoint} was not reached: {error}") from error

    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(kill_in(case))


async def _settled(cases: Sequence[Case], cluster: Cluster) -> None:
    def check() -> bool:
        found = _problems(cases, cluster)
        assert not found, found
        return True

    await eventually(lambda: asyncio.to_thread(check), SETTLED_WITHIN_S)


def _problems(cases: Sequence[Case], cluster: Cluster) -> list[str]:
    return [problem for case in cases for problem in case.problems(cluster)]
