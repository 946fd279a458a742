"""Runs a program of an image as a kubelet would: with a read-only root, no capability, any user, the host's network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rig.image.build import Image

_ENTER = """\
root=$1 user=$2 account=$3; shift 3
mount --bind "$root" "$root"
mount -t proc -o ro proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
if [ -n "$account" ]; then
    mkdir -p "$root/run/secrets/kubernetes.io/serviceaccount"
    install -m 0444 "$account"/* "$root/run/secrets/kubernetes.io/serviceaccount"
fi
mount -o remount,bind,ro "$root/run"
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec="$user:0" --groups= "$root" /usr/bin/env -i "$@"
"""


@dataclass(frozen=True, slots=True)
class Container:
    """How to run the image: as which user, in the group 0, with what beside the image's own environment.

    `account` is a folder with what a kubelet mounts for a ServiceAccount: the files token and ca.crt.
    """

    image: Image
    user: int
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Path | None = None

    def argv(self, *command: str) -> list[str]:
        """The words that run a command in it; the process that they start becomes the command's own."""
        environment = {**self.image.layout.environment, **self.environment}
        return [
            *("unshare", "--mount", "--propagation=private", "sh", "-euc", _ENTER, "enter"),
            *(str(self.image.root), str(self.user), str(self.account or "")),
            *(f"{name}={value}" for name, value in environment.items()),
            *command,
        ]
