"""`herder crds`."""

from pathlib import Path

from click.testing import CliRunner

from herder.cli.main import herder


def test_what_was_written_is_fresh(tmp_path: Path) -> None:
    written = CliRunner().invoke(herder, ["crds", "--folder", str(tmp_path)])

    checked = CliRunner().invoke(herder, ["crds", "--check", "--folder", str(tmp_path)])

    assert len(written.output.splitlines()) == len(list(tmp_path.glob("*.yaml"))) > 0
    assert (checked.exit_code, checked.output) == (0, "")


def test_a_stale_file_and_one_too_many_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    CliRunner().invoke(herder, ["crds", "--folder", str(tmp_path)])
    stale = next(tmp_path.glob("*.yaml"))
    stale.write_text("stale\n")
    (tmp_path / "herder.dev_former.yaml").write_text("former\n")

    checked = CliRunner().invoke(herder, ["crds", "--check", "--folder", str(tmp_path)])

    assert checked.exit_code == 1
    assert stale.name in checked.output
    assert f"herder crds --folder {tmp_path}" in checked.output
    assert "herder.dev_former.yaml" in checked.output
    assert stale.read_text() == "stale\n"
