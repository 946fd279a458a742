"""Renders argocd-cm.yaml from the Lua beside it: `python gitops/argocd/render.py > gitops/argocd/argocd-cm.yaml`.

The kinds share their scripts, so the ConfigMap has each once, and YAML aliases to it.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import Final

HERE: Final = Path(__file__).parent
ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "served": ("retry", "suspend", "resume"),
    "gateway": ("suspend", "resume"),
}
"""The actions of each folder, in the order of Argo CD's menu."""

KINDS: Final[Mapping[str, str]] = {
    "ModelGateway": "gateway",
    "WorkerRegistration": "served",
    "WasmModule": "served",
    "McpServer": "served",
    "Tokenizer": "served",
}
"""The folder of each kind's actions."""

_HEAD: Final = """\
# What Argo CD is told about herder's kinds: a patch of its ConfigMap, rendered by render.py from the Lua beside it.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
data:
"""


def actions_of(folder: str) -> str:
    """Return what Argo CD reads under resource.customizations.actions."""
    parts = ["discovery.lua: |\n", _block(HERE / folder / "discovery.lua"), "definitions:\n"]
    for name in ACTIONS[folder]:
        parts += [f"- name: {name}\n", "  action.lua: |\n", indent(_block(HERE / folder / f"{name}.lua"), "  ")]
    return "".join(parts)


def config_map() -> str:
    """Return the patch of argocd-cm."""
    parts, known = [_HEAD], set[str]()
    for kind, folder in KINDS.items():
        for key, anchor, text in (
            ("health", "health", (HERE / "health.lua").read_text()),
            ("actions", folder, actions_of(folder)),
        ):
            value = f"*{anchor}\n" if anchor in known else f"&{anchor} |\n{indent(text, '    ')}"
            parts.append(f"  resource.customizations.{key}.herder.dev_{kind}: {value}")
            known.add(anchor)
    return "".join(parts)


def _block(path: Path) -> str:
    return indent(path.read_text(), "  ")


if __name__ == "__main__":
    sys.stdout.write(config_map())
