"""The programs are found, or built once: with a fake `go`, because the real one takes minutes."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rig.control_plane.build import PROGRAMS
from rig.control_plane.go import BuildError
from rig.control_plane.programs import MissingProgramError, ensure, find
from rig.process import is_running
from rig.waiting import eventually

_FAKE_GO = """\
#!/bin/sh
case "$1" in
env) echo go1.26.0 ;;
list) echo example.org/one ;;
build)
    echo $$ >> "$FAKE_GO/builds"
    while [ ! -e "$FAKE_GO/may-end" ]; do sleep 0.05; done
    if [ -e "$FAKE_GO/fails" ]; then echo "main.go:1: no such thing"; exit 1; fi
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\n' > "$2"
    chmod +x "$2"
    ;;
esac
"""


@dataclass(frozen=True)
class FakeGo:
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "FAKE_GO": str(self.folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    @property
    def cache(self) -> Path:
        return self.folder / "cache" / "herder" / "control-plane"

    def pids(self) -> list[int]:
        builds = self.folder / "builds"
        return [int(line) for line in builds.read_text().split()] if builds.exists() else []

    def let_builds_end(self) -> None:
        (self.folder / "may-end").touch()

    def start(self, stderr: Path) -> subprocess.Popen[str]:
        """`python -m rig.control_plane` with this go."""
        with stderr.open("w") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "rig.control_plane"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )


@pytest.fixture
def go(tmp_path: Path) -> FakeGo:
    script = tmp_path / "go"
    script.write_text(_FAKE_GO)
    script.chmod(0o755)
    return FakeGo(tmp_path)


def _assets(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    for name in set(PROGRAMS) - set(without):
        (folder / name).touch(mode=0o755)
    return {"KUBEBUILDER_ASSETS": str(folder)}


def test_a_complete_folder_of_assets_is_used_as_it_is(tmp_path: Path) -> None:
    environment = _assets(tmp_path)

    assert ensure(environment) == tmp_path


def test_every_program_that_the_assets_lack_is_named(tmp_path: Path) -> None:
    environment = _assets(tmp_path, without=("kube-controller-manager", "helm"))

    with pytest.raises(MissingProgramError, match=r"lacks kube-controller-manager, helm: add what is missing"):
        ensure(environment)


def test_what_is_built_already_is_not_built_again(go: FakeGo) -> None:
    go.let_builds_end()
    built = ensure(go.environment)

    again = ensure(go.environment)

    assert again == built
    assert len(go.pids()) == 1
    assert all(os.access(built / name, os.X_OK) for name in PROGRAMS)


def test_what_is_not_built_yet_is_not_found(go: FakeGo) -> None:
    assert find(go.environment) is None


def test_a_failed_build_says_what_the_compiler_said_and_leaves_nothing(go: FakeGo) -> None:
    go.let_builds_end()
    (go.folder / "fails").touch()

    with pytest.raises(BuildError, match=r"main\.go:1: no such thing"):
        ensure(go.environment)

    assert [entry.suffix for entry in go.cache.iterdir()] == [".lock"]


async def test_of_two_builds_at_once_the_second_waits_and_says_so(go: FakeGo, tmp_path: Path) -> None:
    first = go.start(tmp_path / "first")
    await eventually(go.pids)
    second = go.start(tmp_path / "second")
    await eventually(lambda: "waiting for it" in (tmp_path / "second").read_text())

    go.let_builds_end()
    folders = {first.communicate()[0].strip(), second.communicate()[0].strip()}

    assert len(folders) == 1
    assert len(go.pids()) == 1


async def test_a_build_that_is_killed_takes_its_compiler_along_and_leaves_nothing_half(
    go: FakeGo, tmp_path: Path
) -> None:
    build = go.start(tmp_path / "stderr")
    [compiler] = await eventually(go.pids)

    build.send_signal(signal.SIGKILL)
    build.communicate()

    await eventually(lambda: not is_running(compiler))
    assert find(go.environment) is None
    go.let_builds_end()
    assert [entry.name for entry in ensure(go.environment).parent.glob("*.partial")] == []
