"""pip takes nothing that the lock does not know by its hash."""

import re
import subprocess
import sys
from pathlib import Path

from rig.image.build import CHECKOUT

_PACKAGE = "mdurl"


def stanza_of(package: str) -> str:
    """A package's lines in the lock: version and hashes."""
    [stanza] = re.findall(rf"^{package}==.*(?:\n {{4}}.*)+", (CHECKOUT / "requirements.lock").read_text(), re.MULTILINE)
    return str(stanza)


def install(lock: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Install by the options that the Dockerfile has."""
    (folder / "requirements.lock").write_text(lock)
    pip = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"]
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", str(folder / "requirements.lock")]
    return subprocess.run(
        [*pip, *locked, "--target", str(folder / "site")], capture_output=True, text=True, check=False
    )


def flipped(stanza: str) -> str:
    """With the last digit of each hash changed."""
    return re.sub(r"(sha256:\w{63})(\w)", lambda found: found[1] + ("0" if found[2] != "0" else "1"), stanza)


def test_what_has_its_hash_is_installed(tmp_path: Path) -> None:
    done = install(stanza_of(_PACKAGE), tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / _PACKAGE).is_dir()


def test_a_flipped_hash_ends_the_installation(tmp_path: Path) -> None:
    done = install(flipped(stanza_of(_PACKAGE)), tmp_path)

    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "site").exists()


def test_a_package_without_a_hash_ends_the_installation(tmp_path: Path) -> None:
    name_and_version = stanza_of(_PACKAGE).split()[0]

    done = install(f"{name_and_version}\n", tmp_path)

    assert done.returncode != 0
    assert "Hashes are required" in done.stderr
