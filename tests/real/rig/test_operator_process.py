"""The operator as a process, shown with a stand-in for `herder.cli`: how it is started, watched and ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig import nursery
from rig.control_plane.cluster import Cluster
from rig.operator_process import Operator
from rig.process import NotReadyError, is_running
from rig.waiting import eventually

_STAND_IN = """\
import http.server, os, sys
def main():
    print(*sys.argv[1:], flush=True)
    print("failpoint:", os.environ.get("HERDER_FAILPOINT"), flush=True)
    if "--die" in sys.argv:
        sys.exit("as I was told")
    port = int(sys.argv[sys.argv.index("--health-port") + 1])
    http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
"""


@pytest.fixture(autouse=True, params=[pytest.param(True, id="forked"), pytest.param(False, id="started")])
def stand_in(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "herder" / "cli"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "main.py").write_text(_STAND_IN)
    (package / "__main__.py").write_text("from herder.cli.main import main\nmain()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(nursery, "IS_AVAILABLE", nursery.IS_AVAILABLE and request.param)


@pytest.mark.parametrize(
    ("args", "scope"),
    [
        pytest.param((), "--all-namespaces", id="all"),
        pytest.param(("--namespace", "a"), "--namespace a", id="one"),
        pytest.param(("--namespace=a",), "--namespace=a", id="one with an equals sign"),
    ],
)
def test_it_watches_all_namespaces_unless_some_are_named(
    control_plane: Cluster, tmp_path: Path, args: tuple[str, ...], scope: str
) -> None:
    operator = Operator.start(control_plane, *args, log_dir=tmp_path).wait_healthy()

    started_with = operator.log.read_text().splitlines()[0]

    assert started_with.startswith(f"run --kubeconfig {control_plane.kubeconfig} --health-port ")
    assert started_with.endswith(f" --allow-loopback {scope}")
    operator.kill()


def test_a_stopped_operator_is_not_healthy_any_more(control_plane: Cluster, tmp_path: Path) -> None:
    operator = Operator.start(control_plane, log_dir=tmp_path).wait_healthy()

    operator.stop()

    assert not operator.is_healthy()


def test_an_operator_that_ends_at_once_is_named_with_the_end_of_its_log(control_plane: Cluster, tmp_path: Path) -> None:
    operator = Operator.start(control_plane, "--die", log_dir=tmp_path)

    with pytest.raises(NotReadyError, match=r"(?s)ended with 1 .*as I was told"):
        operator.wait_healthy()


def test_each_is_a_process_of_its_own(control_plane: Cluster, tmp_path: Path) -> None:
    first = Operator.start(control_plane, log_dir=tmp_path, failpoint="a/b:after").wait_healthy()
    second = Operator.start(control_plane, log_dir=tmp_path).wait_healthy()

    first.kill()

    assert first.was_killed
    assert second.is_healthy()
    assert [each.log.read_text().splitlines()[1] for each in (first, second)] == [
        "failpoint: a/b:after",
        "failpoint: None",
    ]
    assert os.getpgid(second.process.pid) == second.process.pid
    second.kill()


def test_a_paused_operator_does_not_answer_until_it_goes_on(control_plane: Cluster, tmp_path: Path) -> None:
    operator = Operator.start(control_plane, log_dir=tmp_path).wait_healthy()

    operator.process.pause()
    while_paused = operator.is_healthy(timeout_s=0.5)
    operator.process.resume()

    assert not while_paused
    operator.wait_healthy().kill()


_OWNER = """\
import sys
from pathlib import Path
from rig.process import Process
log = Path(sys.argv[1]) / "log"
log.touch()
forked = Process.fork(["run", "--health-port", "0"], log, env={}, python_path=sys.argv[1])
forked.wait_ready(lambda: "failpoint" in log.read_text(), 120)
print(forked.pid, flush=True)
sys.stdin.read()
"""


def _pid_that_outlives_nobody(folder: Path) -> int:
    """Have a process fork an operator, and kill it; the operator's pid."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", _OWNER, str(folder)]
    with subprocess.Popen(argv, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    return pid


@pytest.mark.skipif(not nursery.IS_AVAILABLE, reason="Linux only")
async def test_a_forked_operator_ends_with_whoever_had_it_forked(tmp_path: Path) -> None:
    pid = _pid_that_outlives_nobody(tmp_path)

    await eventually(lambda: not is_running(pid))
