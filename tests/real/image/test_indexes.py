"""pip in a build asks what pip asks on the machine."""

import configparser
from pathlib import Path

import pytest

from rig.image.indexes import pip_secrets


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own."""
    for name in ("PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def test_where_nothing_is_configured_no_secret_is_told(tmp_path: Path) -> None:
    assert pip_secrets(tmp_path) == []


def test_an_index_is_told_in_a_file_that_only_its_owner_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://somebody:secret@index.example/simple")

    [secret] = pip_secrets(tmp_path)

    file = Path(secret.removeprefix("--secret=id=pip.conf,src="))
    config = configparser.RawConfigParser()
    config.read(file)
    assert dict(config["global"]) == {"index-url": "https://somebody:secret@index.example/simple"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_authority_is_told_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/own.pem")

    secrets = pip_secrets(tmp_path)

    assert "--secret=id=ca.pem,src=/etc/ssl/own.pem" in secrets
    assert "cert = /run/secrets/ca.pem" in (tmp_path / "pip.conf").read_text()
