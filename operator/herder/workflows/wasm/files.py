"""The module's file, where it lies on herder's own disk, too: what the replicas would refuse is then known before."""

import asyncio
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from wasmtime import Config, Engine, WasmtimeError
from wasmtime.component import Component

from herder.net.text import untrusted

MAX_CHECKED_BYTES: Final = 64 << 20
"""Larger files are left to the replicas: herder holds what it checks in memory."""

_CORE_MODULE: Final = b"\0asm\x01\0\0\0"


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A file as it was read; `path` is where it really lies, with symbolic links followed."""

    path: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The content's SHA-256, as sha256sum prints it."""
        return hashlib.sha256(self.content).hexdigest()


class ModuleFiles(Protocol):
    """Where herder looks for the files that resources name."""

    async def read(self, path: str) -> ModuleFile | None:
        """Return the file, None where herder has none, may not read it, or leaves it to the replicas."""
        ...


class LocalFiles:
    """Herder's own disk."""

    async def read(self, path: str) -> ModuleFile | None:
        """Read a regular file."""
        return await asyncio.to_thread(_read, path)


def _read(path: str) -> ModuleFile | None:
    try:
        # Without waiting for a writer, should it be a pipe.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_CHECKED_BYTES:
                return None
            return ModuleFile(str(Path(path).resolve()), file.read(MAX_CHECKED_BYTES))
    except OSError:
        return None


async def component_fault(content: bytes) -> str | None:
    """Return why a content is no WebAssembly component, as a line for people; None if it is one.

    The same judge as the gateway's, wasmtime, which takes the text format as well.
    """
    if content.startswith(_CORE_MODULE):
        return "it is a core module: make a component of it with `wasm-tools component new`"
    return await asyncio.to_thread(_compile, content)


def _compile(content: bytes) -> str | None:
    config = Config()
    config.cranelift_opt_level = "none"  # nothing of it is run here
    try:
        Component(Engine(config), content)
    except WasmtimeError as error:
        return untrusted(str(error))
    return None
