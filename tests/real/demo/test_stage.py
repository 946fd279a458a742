"""How the demo waits, fails and looks, shown with a scene that is made up: no process beside it."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from rig.demo.live_screen import LiveScreen
from rig.demo.plain_screen import PlainScreen
from rig.demo.report import describe
from rig.demo.scene import ReplicaRow, Scene, WorkerRow
from rig.demo.screen import Screen
from rig.demo.stage import Stage, UnmetError
from rig.demo.table import message_of
from rig.playground.world import World

URL = "http://127.0.0.1:19780/w/qwen-a"
WHY = f"GET {URL}/health answered 503"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _time(after_s: float) -> str:
    return (NOW + timedelta(seconds=after_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _body(*, status: str = "Retrying") -> dict[str, Any]:
    step = {"name": "detect_connection", "status": status, "attempts": 4, "message": WHY, "nextRetryAt": _time(2)}
    ready = {"type": "Ready", "status": "False", "reason": "Registering", "message": f"step is retried: {WHY}"}
    return {
        "metadata": {"name": "qwen-a"},
        "spec": {"url": URL},
        "status": {
            "progress": "1/8 detect_connection",
            "registered": "0/2",
            "conditions": [{**ready, "observedGeneration": 1, "lastTransitionTime": _time(0)}],
            "workflow": {
                "name": "worker-registration",
                "instanceId": "i",
                "generation": 1,
                "status": "Running",
                "steps": [step],
            },
        },
    }


SCENE = Scene(
    {"qwen-a": WorkerRow.of(_body())},
    (ReplicaRow("127.0.0.1:19730", {"llama-a": "ready", "llama-b": "draining"}), ReplicaRow("127.0.0.1:19731", None)),
    NOW,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    replica = SimpleNamespace(url="http://127.0.0.1:19730", workers=list)
    control_plane = SimpleNamespace(get=lambda path: {"items": [_body()]})
    fake = SimpleNamespace(folder=tmp_path, control_plane=control_plane, replicas=(replica,), ended=tuple)
    return cast("World", fake)


def test_what_does_not_come_true_is_told_with_what_was_seen_instead(world: World) -> None:
    stage = Stage(world, PlainScreen(), patience_s=0)

    with pytest.raises(UnmetError) as unmet:
        stage.until("qwen-a is Ready", lambda scene: scene.is_ready("qwen-a"))

    text = describe(unmet.value, world)
    assert "expected within 0 s: qwen-a is Ready" in text
    assert f"qwen-a: Ready=False, step 1/8 detect_connection: step is retried: {WHY}" in text
    assert "replica 127.0.0.1:19730 lists nothing" in text
    assert WHY in (world.folder / "seen.json").read_text()


def test_the_message_of_a_retried_step_counts_down_and_leaves_the_url_out() -> None:
    assert message_of(SCENE.workers["qwen-a"], NOW) == "GET /health answered 503; attempt 4 failed, next in 2 s"


@pytest.mark.parametrize(
    ("listed", "is_ready"),
    [
        pytest.param({"qwen-a": "ready"}, True, id="listed ready"),
        pytest.param({"qwen-a": "not_ready"}, False, id="listed sick"),
        pytest.param({}, False, id="not listed"),
        pytest.param(None, False, id="no answer"),
    ],
)
def test_a_worker_counts_as_ready_only_if_every_replica_says_so(listed: dict[str, str] | None, is_ready: bool) -> None:
    body = _body()
    body["status"]["conditions"][0]["status"] = "True"
    body["status"]["registered"] = "1/1"

    scene = Scene({"qwen-a": WorkerRow.of(body)}, (ReplicaRow("127.0.0.1:19730", listed),), NOW)

    assert scene.is_ready("qwen-a") is is_ready


def _show(screen: Screen) -> None:
    with screen:
        screen.say("A sentence.")
        screen.show(SCENE)
        screen.met("it has come true", 1.25)
        screen.sum_up("what came true", [("1.2 s", "it has come true")], "the end")


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_terminal_shows_all_columns_and_no_word_of_the_message_is_cut(width: int) -> None:
    output = StringIO()

    _show(LiveScreen(Console(file=output, width=width, force_terminal=True, color_system=None, highlight=False)))

    text = re.sub(r"\x1b\[[?\d;]*[A-Za-z]|\r", "", output.getvalue())
    lines = [line.split() for line in text.splitlines()]
    assert ["NAME", "READY", "STEP", "REGISTERED", "MODEL", "MESSAGE"] in lines
    assert any(line[:5] == ["qwen-a", "False", "1/8", "detect_connection", "0/2"] for line in lines)
    assert set(message_of(SCENE.workers["qwen-a"], NOW).split()) <= set(text.split())
    assert ["127.0.0.1:19731", "does", "not", "answer"] in lines


def test_lines_are_printed_once_for_what_does_not_change(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()

    screen.show(SCENE)
    screen.show(SCENE)

    printed = capsys.readouterr().out
    assert printed.count("qwen-a") == 1 + WHY.count("qwen-a")
    assert "127.0.0.1:19731  does not answer" in printed
