"""The Dockerfile, as far as it can be judged where there is no engine to build it."""

import re
import tomllib

import pytest

from unit.packaging.dockerfile import ROOT, copied_from_checkout, environment_of, stages_of

STAGES = stages_of((ROOT / "Dockerfile").read_text())
FINAL = {each.word: each.text for each in STAGES[-1]}
COMMANDS = [
    command.strip() for stage in STAGES for each in stage if each.word == "RUN" for command in each.text.split("&&")
]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if "pip" in command and "venv" not in command.split()]
)
def test_pip_installs_nothing_that_is_not_locked_by_hash(command: str) -> None:
    is_locked = (
        "--require-hashes" in command and "--only-binary :all:" in command and re.search(r"-r \S+\.lock", command)
    )
    is_own = "--no-deps" in command and ("--no-index" in command or "--no-build-isolation" in command)

    assert is_locked or is_own


@pytest.mark.parametrize("source", copied_from_checkout(STAGES))
def test_what_is_copied_is_there_and_let_into_the_build(source: str) -> None:
    ignored, *let_in = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] in {"*", "!"}]

    assert ignored == "*"
    assert f"!{source.removeprefix('./')}" in let_in
    assert (ROOT / source).exists()


def test_nothing_is_let_into_the_build_that_is_not_copied() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert sorted(let_in) == sorted({source.removeprefix("./") for source in copied_from_checkout(STAGES)})


def test_the_tools_that_make_the_wheel_are_all_in_the_lock() -> None:
    [pattern] = re.findall(r"awk '/\^\((.*?)\)==/", (ROOT / "Dockerfile").read_text())
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["build-backend"]

    assert set(pattern.split("|")) <= set(locked)
    assert backend.partition(".")[0] in pattern.split("|")


def test_it_runs_as_a_user_without_rights_or_a_name_and_without_a_shell() -> None:
    assert FINAL["USER"] == "65532:65532"
    assert FINAL["ENTRYPOINT"] == '["herder"]'
    assert FINAL["CMD"].startswith('["run", ')


@pytest.mark.parametrize("name", ["HOME", "USER"])
def test_what_libraries_ask_of_a_user_is_in_the_environment(name: str) -> None:
    """kubernetes_asyncio 36 and kopf 1.45 fail at start for a user that is in no passwd and has neither."""
    assert environment_of(STAGES[-1])[name]


@pytest.mark.parametrize("name", [*PROXIES, *map(str.upper, PROXIES)])
def test_no_proxy_comes_from_the_environment(name: str) -> None:
    assert environment_of(STAGES[-1])[name] == ""


def test_nothing_but_the_finished_environment_is_kept() -> None:
    copies = [each.text for each in STAGES[-1] if each.word == "COPY"]

    assert copies == ["--from=install /opt/herder /opt/herder"]
    assert "RUN" not in FINAL
