"""What the pages tell people to type does what they say: run from top to bottom."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from real.docs.stage import WORKERS, Stage
from rig.control_plane.control_plane import ControlPlane
from rig.documents import Story, books, stories
from rig.gateway import Smg
from rig.waiting import eventually
from rig.workers import MockWorkers


def _name_of(page: str) -> str:
    """Return what a page's stories are called: as its file, or as the folder of pages that are read as one."""
    path = Path(page)
    return path.parent.name if path.name == "README.md" and len(path.parts) > 1 else path.stem


STORIES: Final = {
    f"{_name_of(pages[0])}-{number}": story
    for pages in books()
    for number, story in enumerate(stories(*pages), 1)
    if any(block.why_not is None for block in story.blocks)
}
LISTED: Final = {
    "README-1": {"llama-b", "qwen-a"},
    "uninstall-1": set[str](),
    "uninstall-3": set[str](),
    "break-glass-2": {"qwen-a"},
}
"""What the gateway lists in the end, where it is not every worker."""


@pytest.fixture
def stage_of(
    smg_pair: tuple[Smg, Smg], mock_workers: MockWorkers, tmp_path: Path
) -> Iterator[Callable[[Story], Stage]]:
    """Makes the stage of a story: one for a test."""
    with ControlPlane.start(tmp_path / "control-plane") as cluster:
        stages: list[Stage] = []

        def made(story: Story) -> Stage:
            namespace = "default" if story.page == "README.md" else "models"
            stages.append(Stage(cluster, smg_pair, mock_workers, tmp_path, namespace))
            return stages[-1]

        yield made
        for stage in stages:
            stage.pods.end()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages ask gateways by curl")
@pytest.mark.parametrize("name", STORIES)
async def test_what_a_page_says_can_be_typed_and_leaves_what_it_says(
    name: str, stage_of: Callable[[Story], Stage]
) -> None:
    stage = stage_of(STORIES[name])

    stage.tell(STORIES[name])

    left = sorted(LISTED.get(name, WORKERS.keys()))
    await eventually(lambda: [stage.listed(smg) for smg in stage.smgs] == [left] * len(stage.smgs), 30)
