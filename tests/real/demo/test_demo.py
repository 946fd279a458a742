"""The demo as a command: its exit code, its words where no terminal is, and that nothing outlives it."""

import re
import signal
import socket
from pathlib import Path

import pytest

from rig.playground.commands import processes_of, run, start
from rig.playground.files import OURS
from rig.playground.samples import Samples
from rig.ports import HOST


def test_the_demo_tells_its_story_in_plain_lines_and_leaves_nothing(samples: Samples, tmp_path: Path) -> None:
    done = run("rig.demo", "--samples", samples.folder, temporary=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert re.search(r"step detect_connection is retried \(attempt \d+ failed, next attempt at ", done.stdout), (
        done.stdout
    )
    assert done.stdout.count("ok: ") == 11
    assert done.stdout.rstrip().endswith("nothing is left running. To play on yourself: make up")
    _assert_nothing_left(samples, tmp_path)


@pytest.mark.parametrize(
    ("number", "returncode"),
    [pytest.param(signal.SIGINT, 130, id="Ctrl-C"), pytest.param(signal.SIGTERM, 143, id="SIGTERM")],
)
def test_an_interrupted_demo_leaves_nothing(
    number: signal.Signals, returncode: int, samples: Samples, tmp_path: Path
) -> None:
    with start("rig.demo", "--samples", samples.folder, temporary=tmp_path) as demo:
        assert demo.stdout is not None
        while "inference workers" not in demo.stdout.readline():
            pass
        demo.send_signal(number)
        output, errors = demo.communicate()

    assert demo.returncode == returncode, output + errors
    _assert_nothing_left(samples, tmp_path)


@pytest.mark.parametrize("which", [pytest.param(0, id="a gateway's"), pytest.param(2, id="the workers'")])
def test_a_port_that_is_taken_is_named_with_the_remedy(which: int, samples: Samples, tmp_path: Path) -> None:
    port = (*samples.gateway_ports, samples.worker_port)[which]
    with socket.create_server((HOST, port)):
        done = run("rig.demo", "--samples", samples.folder, temporary=tmp_path)

    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1, which samples/ names, is taken" in done.stderr
    assert "`make down` ends it" in done.stderr


def _assert_nothing_left(samples: Samples, temporary: Path) -> None:
    samples.check_ports()
    assert not processes_of(temporary)
    assert not list(temporary.glob("herder-demo-*"))
    assert not (temporary / OURS).exists()
