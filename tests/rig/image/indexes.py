"""Lets pip within a build ask what it asks on this machine: told as secrets of the build, which no layer keeps."""

import re
import subprocess
import sys
from pathlib import Path

_ASKED = ("index-url", "extra-index-url", "proxy", "trusted-host", "timeout", "retries")
_CA_IN_BUILD = "/run/secrets/ca.pem"


def pip_secrets(folder: Path) -> list[str]:
    """The arguments of `buildah build`; the files that they name are written to `folder`."""
    options = _configured()
    told = {name: options[name] for name in _ASKED if name in options}
    secrets: list[str] = []
    if certificates := options.get("cert"):
        told["cert"] = _CA_IN_BUILD
        secrets.append(f"--secret=id=ca.pem,src={certificates}")
    if told:
        config = folder / "pip.conf"
        config.touch(mode=0o600)  # an index's address may hold a password
        config.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in told.items()))
        secrets.append(f"--secret=id=pip.conf,src={config}")
    return secrets


def _configured() -> dict[str, str]:
    """pip's options on this machine, by name; those of the environment win over those of files, as in pip."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"^(:env:|\w+)\.([\w-]+)='(.*)'$", listed, re.MULTILINE)
    found.sort(key=lambda each: each[0] == ":env:")
    return {name.removeprefix("default-"): value for _section, name, value in found}
