"""The operator as a process, shown with a stand-in for `herder.cli`: how it is started, watched and ended."""

from pathlib import Path

import pytest

from rig.control_plane.cluster import Cluster
from rig.operator_process import Operator
from rig.process import NotReadyError

_STAND_IN = """\
import http.server, sys
print(*sys.argv[1:], flush=True)
if "--die" in sys.argv:
    sys.exit("as I was told")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
port = int(sys.argv[sys.argv.index("--health-port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "herder" / "cli"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "__main__.py").write_text(_STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


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
