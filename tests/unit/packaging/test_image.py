"""The Dockerfile, as far as it can be judged without building it."""

import re
import tomllib

import pytest

from unit.packaging.dockerfile import ROOT, commands_of, copied_from_checkout, environment_of, stages_of

STAGES = stages_of((ROOT / "Dockerfile").read_text())
FINAL = {each.word: each.text for each in STAGES[-1]}
PIP = [command for stage in STAGES for command in commands_of(stage) if " -m pip " in command]
LET_IN = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.mark.parametrize("command", PIP)
def test_pip_installs_nothing_that_is_not_locked_by_hash(command: str) -> None:
    is_locked = (
        "--require-hashes" in command and "--only-binary :all:" in command and re.search(r"-r \S+\.lock", command)
    )
    is_own = "--no-deps" in command and ("--no-index" in command or "--no-build-isolation" in command)

    assert is_locked or is_own


@pytest.mark.parametrize("command", PIP)
def test_what_is_installed_has_no_pip_of_its_own(command: str) -> None:
    environment = re.search(r"--python (\S+)/bin/python", command)

    assert environment is not None
    assert any(f"venv --without-pip {environment[1]}" in " ".join(commands_of(stage)) for stage in STAGES)


@pytest.mark.parametrize("name", LET_IN)
def test_what_is_let_into_the_build_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_nothing_is_let_into_the_build_but_by_its_name() -> None:
    first = next(line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#"))

    assert first == "*"
    assert all(re.fullmatch(r"[\w.-]+", name) for name in LET_IN)
    assert set(copied_from_checkout(STAGES)) <= {".", *LET_IN}


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

    assert copies == ["--from=dependencies /opt/herder /opt/herder", "--from=herder /own /"]
    assert "RUN" not in FINAL


def test_no_command_names_an_index_or_a_host() -> None:
    assert [command for command in PIP if re.search(r"://|index-url|find-links|trusted-host", command)] == []


def test_the_page_hands_to_a_build_what_the_dockerfile_asks_for() -> None:
    page, dockerfile = (ROOT / "docs" / "image.md").read_text(), (ROOT / "Dockerfile").read_text()

    arguments = set(re.findall(r"--build-arg (\w+)=", page))
    secrets = set(re.findall(r"--secret id=([\w.]+)", page))

    assert arguments == set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE))
    assert secrets == set(re.findall(r"--mount=type=secret,id=([\w.]+)", dockerfile))
