"""What an operator told Prometheus of a sound run, several times on its way."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.promtool import NoPromtool, Promtool, samples_of
from rig.waiting import eventually
from rig.web import fetch
from rig.workers import MockWorkers

_READINGS: Final = 'herder_gateway_requests_total{method="GET",result="200",route="/workers"}'
_AT_REST: Final = {
    ("entries", "registered"): 4.0,
    ("entries", "drifted"): 0.0,
    ("replicas", "Reachable"): 2.0,
    ("replicas", "Unreachable"): 0.0,
}


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """promtool, or the test is skipped with the reason why there is none."""
    try:
        return Promtool.found()
    except NoPromtool as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Scraped:
    """Pages that an operator served, in order."""

    pages: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        """The metrics of the last page, those without a sample, too, as they are queried."""
        lines = [line.split() for line in self.pages[-1].splitlines()]
        declared = {words[2]: words[3] for words in lines if words[:2] == ["#", "TYPE"]}
        histograms = {name for name, kind in declared.items() if kind == "histogram"}
        parts = {f"{name}{end}" for name in histograms for end in ("_bucket", "_sum", "_count")}
        return declared.keys() - histograms | parts

    def series(self, target: str = 'job="herder", instance="herder:8081"') -> dict[str, str]:
        """Every series as Prometheus would have it, one page a minute, the last one for an hour."""
        pages = [samples_of(page) for page in self.pages]
        every = {name for page in pages for name in page}
        return {
            _with(name, target): " ".join((*(_value(p, name) for p in pages), _hour(pages, name))) for name in every
        }


def _with(series: str, target: str) -> str:
    name, brace, labels = series.partition("{")
    return f"{name}{{{target}, {labels}" if brace else f"{name}{{{target}}}"


def _value(page: dict[str, float], series: str) -> str:
    return repr(page[series]) if series in page else "_"


def _hour(pages: list[dict[str, float]], series: str) -> str:
    return f"{pages[-1][series]!r}x60" if series in pages[-1] else "_"


@pytest.fixture
async def sound_run(
    control_plane: Cluster,
    namespace: str,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    start_operator: Callable[..., Operator],
) -> Scraped:
    """Workers registered, one changed, one taken off, a replica that lost everything given all of it back."""
    declared = Declared(control_plane, namespace)
    operator = start_operator().wait_healthy()
    pages: list[str] = []

    async def scrape() -> str:
        text = (await asyncio.to_thread(fetch, operator.metrics_url)).decode()
        pages.append(text)
        return text

    await scrape()
    declared.gateway(smg_pair)
    for name in "abc":
        declared.worker(name, mock_workers.add(name).url)
    await scrape()
    for name in "abc":
        await declared.until(name, timeout_s=30)
    await scrape()
    declared.worker("a", mock_workers.add("a").url, priority=70)
    declared.delete("c")
    await declared.until_gone("c", timeout_s=30)
    await declared.until("a", timeout_s=30)
    read_before = samples_of(await scrape())[_READINGS]

    async def have_been_read() -> bool:
        return samples_of(await scrape())[_READINGS] >= read_before + 2 * len(smg_pair)

    await eventually(have_been_read, 30)  # only what a reading has shown can be found to be lost
    smg_pair[0].restart()

    healed = f'herder_replica_heal_seconds_count{{gateway="gw",namespace="{namespace}"}} 1.0'

    async def has_healed() -> bool:
        return healed in await scrape()

    await eventually(has_healed, 60)
    await declared.until("a", timeout_s=30)
    await declared.until("b", timeout_s=30)
    series = f'herder_gateway_{{}}{{{{gateway="gw",namespace="{namespace}",state="{{}}"}}}}'

    async def is_at_rest() -> bool:
        page = samples_of(await scrape())
        return {each: page.get(series.format(*each), 0.0) for each in _AT_REST} == _AT_REST

    await eventually(is_at_rest, 30)  # for the last page is what Prometheus then sees for an hour
    return Scraped(tuple(pages[:4] + pages[-1:]))
