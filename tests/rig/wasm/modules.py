"""Where modules lie: a folder that stands for the volume which all replicas mount."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModuleFolder:
    """Files that replicas of this machine can read."""

    path: Path

    def put(self, name: str, content: bytes) -> str:
        """Write a file, in the place of an earlier one, and return its path."""
        file = self.path / name
        file.write_bytes(content)
        return str(file)


def sha256(content: bytes) -> str:
    """Return what sha256sum prints."""
    return hashlib.sha256(content).hexdigest()
