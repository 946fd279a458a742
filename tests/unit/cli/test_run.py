"""`herder run`: its flags, and what the operator is told by them."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import herder.cli.run as run_module
from herder.cli import logs
from herder.cli.main import herder
from herder.cli.run import run
from herder.controller.leadership.election import Terms
from herder.controller.leadership.settings import LeaseOptions
from herder.controller.options import Options
from herder.controller.process import CannotRun
from herder.controller.running.failpoints import Failpoint, Moment
from herder.net.scrubber import Scrubber

FLAGS = [parameter for parameter in run.params if isinstance(parameter, click.Option)]


class Started:
    """The operator that would be started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.options: Options | None = None
        self.logs: tuple[str, str] | None = None
        self.scrubber: Scrubber | None = None
        self.error: Exception | None = None
        monkeypatch.setattr(run_module, "run_operator", self._run)
        monkeypatch.setattr(logs, "configure", self._configure)

    def _configure(self, level: str, form: str, scrubber: Scrubber) -> None:
        self.logs, self.scrubber = (level, form), scrubber

    async def _run(self, options: Options) -> None:
        self.options = options
        if self.error is not None:
            raise self.error

    def __call__(self, *words: str, **environment: str) -> Any:
        return CliRunner(env=environment).invoke(herder, ["run", *words])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    return Started(monkeypatch)


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_every_flag_is_explained(flag: click.Option) -> None:
    shown = CliRunner().invoke(herder, ["run", "--help"]).output

    assert flag.help
    assert flag.opts[-1] in shown


def test_every_flag_is_in_the_table_of_values_below() -> None:
    assert {flag.opts[-1] for flag in FLAGS} - {"--help"} == {word for word, *_ in VALUES}


VALUES: list[tuple[str, str, Options | tuple[str, str]]] = [
    ("--namespace", "one", Options(namespaces=("one",))),
    ("--all-namespaces", "true", Options()),
    ("--installation", "0b5-x", Options(installation="0b5-x")),
    ("--allow-loopback", "true", Options(allow_loopback=True)),
    ("--require-bound-keys", "true", Options(require_bound_keys=True)),
    ("--health-host", "0.0.0.0", Options(health="http://0.0.0.0:8080/healthz")),
    ("--health-port", "1234", Options(health="http://127.0.0.1:1234/healthz")),
    ("--metrics-host", "0.0.0.0", Options(metrics_host="0.0.0.0")),
    ("--metrics-port", "0", Options(metrics_port=0)),
    ("--metrics-secure", "true", Options(metrics_secure=True)),
    ("--metrics-tls-folder", str(Path(__file__).parent), Options(metrics_tls_folder=Path(__file__).parent)),
    ("--max-runs", "7", Options(runs_at_once=7)),
    ("--kubeconfig", __file__, Options(kubeconfig=Path(__file__))),
    ("--leader-elect", "true", Options()),
    ("--lease-name", "theirs", Options(lease=LeaseOptions(name="theirs"))),
    ("--lease-namespace", "ours", Options(lease=LeaseOptions(namespace="ours"))),
    ("--pod-name", "herder-0", Options(lease=LeaseOptions(pod="herder-0"))),
    ("--termination-log", "/log", Options(lease=LeaseOptions(termination_log=Path("/log")))),
    ("--lease-duration", "20", Options(lease=LeaseOptions(terms=Terms(20)))),
    ("--renew-deadline", "9.5", Options(lease=LeaseOptions(terms=Terms(15, 9.5)))),
    ("--retry-period", "0.5", Options(lease=LeaseOptions(terms=Terms(15, 10.0, 0.5)))),
    ("--log-level", "debug", ("debug", "auto")),
    ("--log-format", "json", ("info", "json")),
]


def expected(wanted: Options | tuple[str, str]) -> tuple[Options, tuple[str, str]]:
    options = wanted if isinstance(wanted, Options) else Options()
    health = options.health or "http://127.0.0.1:8080/healthz"
    lease = options.lease or LeaseOptions()
    return replace(options, health=health, lease=lease), wanted if isinstance(wanted, tuple) else ("info", "auto")


@pytest.mark.parametrize(("flag", "value", "wanted"), VALUES, ids=[word for word, *_ in VALUES])
def test_a_flag_can_be_given_on_the_command_line(
    flag: str, value: str, wanted: Options | tuple[str, str], started: Started
) -> None:
    words = [flag] if value == "true" else [flag, value]

    result = started(*words)

    assert result.exit_code == 0, result.output
    assert (started.options, started.logs) == expected(wanted)


@pytest.mark.parametrize(("flag", "value", "wanted"), VALUES, ids=[word for word, *_ in VALUES])
def test_every_flag_can_be_given_in_the_environment(
    flag: str, value: str, wanted: Options | tuple[str, str], started: Started
) -> None:
    name = "HERDER_" + flag.removeprefix("--").replace("-", "_").upper()

    result = started(**{name: value})

    assert result.exit_code == 0, result.output
    assert (started.options, started.logs) == expected(wanted)


def test_what_the_operator_reads_from_secrets_is_what_the_log_does_not_show(started: Started) -> None:
    started()

    assert started.options is not None
    assert started.options.scrubber is started.scrubber is not None


def test_several_namespaces_can_be_served(started: Started) -> None:
    started("-n", "one", "-n", "two")
    on_the_line = started.options
    started(HERDER_NAMESPACE="one two")

    assert on_the_line is not None
    assert started.options is not None
    assert on_the_line.namespaces == started.options.namespaces == ("one", "two")


def test_the_command_line_wins_over_the_environment(started: Started) -> None:
    started("--max-runs", "7", HERDER_MAX_RUNS="9")

    assert started.options is not None
    assert started.options.runs_at_once == 7


def test_a_failpoint_is_set_in_the_environment_only(started: Started) -> None:
    started(HERDER_FAILPOINT="worker-removal/drain:after#2")

    assert started.options is not None
    assert started.options.failpoint == Failpoint("worker-removal", "drain", Moment.AFTER, 2)


def test_a_failpoint_that_is_none_is_refused(started: Started) -> None:
    result = started(HERDER_FAILPOINT="register")

    assert result.exit_code == 2
    assert "HERDER_FAILPOINT" in result.output
    assert started.options is None


def test_without_a_health_port_nothing_is_served(started: Started) -> None:
    started("--health-port", "0")

    assert started.options is not None
    assert started.options.health is None


BAD: dict[str, list[str]] = {
    "a port out of range": ["--health-port", "70000"],
    "no run at all": ["--max-runs", "0"],
    "an unknown level": ["--log-level", "loud"],
    "a kubeconfig that is not there": ["--kubeconfig", "/nowhere"],
    "one namespace and all": ["-n", "one", "-A"],
    "a pattern of namespaces": ["-n", "team-*"],
    "namespaces with a comma": ["-n", "one,two"],
    "a namespace without a name": ["-n", ""],
    "an installation that would end the part of a label": ["--installation", "a/b"],
    "an installation without a name": ["--installation", ""],
    "an unknown flag": ["--herd"],
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_a_bad_value_is_refused_before_anything_is_done(words: list[str], started: Started) -> None:
    result = started(*words)

    assert result.exit_code == 2
    assert re.search("^Error: ", result.output, re.MULTILINE)
    assert started.options is None


def test_an_operator_that_can_not_run_ends_with_one_line_and_an_exit_code(
    started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    started.error = CannotRun("no API server is configured: give --kubeconfig")

    result = started()

    assert result.exit_code == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        pytest.param(["--no-leader-elect"], {}, id="on the command line"),
        pytest.param([], {"HERDER_LEADER_ELECT": "false"}, id="in the environment"),
    ],
)
def test_an_operator_without_rivals_needs_no_lease(
    words: list[str], environment: dict[str, str], started: Started
) -> None:
    started(*words, **environment)

    assert started.options is not None
    assert started.options.lease is None


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        pytest.param(["--lease-duration", "10"], "two could act at once", id="no time to stop"),
        pytest.param(["--renew-deadline", "2"], "could not be tried again", id="no second attempt"),
        pytest.param(["--lease-name", "No_Name"], "lower-case letters", id="no name"),
    ],
)
def test_a_lease_that_could_not_be_kept_is_refused(words: list[str], fault: str, started: Started) -> None:
    result = started(*words)

    assert result.exit_code == 2
    assert fault in result.output
