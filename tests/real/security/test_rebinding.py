"""DNS rebinding, by the system's own resolver and a real name server: what was judged is what is connected to."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from real.security.rebinding import LOOPBACK, PUBLIC, SERVER

_SCRIPT = Path(__file__).with_name("rebinding.py")
_MOUNT = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf && exec "$3" "$4"'


def _may_unshare() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([unshare, "--mount", "true"], check=False).returncode == 0


@pytest.mark.skipif(not _may_unshare(), reason="takes a mount namespace of its own, which needs root")
def test_a_name_that_turns_to_loopback_after_it_was_vetted_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(f"nameserver {SERVER}\noptions timeout:30 attempts:1\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    files = [str(tmp_path / "resolv.conf"), str(tmp_path / "nsswitch.conf")]

    argv = ["unshare", "--mount", "sh", "-c", _MOUNT, "sh", *files, sys.executable, str(_SCRIPT)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=True)

    seen = json.loads(done.stdout)
    assert seen["answered"][:2] == [PUBLIC, LOOPBACK]
    assert seen["ends"][0] == "AddressRefused"
    assert "Unreachable" not in seen["ends"]
    assert seen["heard"] == 0
