"""Middleware modules for a real gateway: components that let requests pass, reject them, or put a header on answers.

`middleware` writes one as WebAssembly text and makes a binary of it, `modules` puts them where replicas read them.
"""

from rig.wasm.middleware import component
from rig.wasm.modules import ModuleFolder, sha256

__all__ = ["ModuleFolder", "component", "sha256"]
