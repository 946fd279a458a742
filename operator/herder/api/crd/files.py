"""crds/: one file a kind, always as the models have it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from herder.api.crd.catalog import DEFINITIONS
from herder.api.crd.render import render
from herder.api.meta import GROUP

_HEAD: Final = "# Rendered from the models by `herder crds`. Change those, not this file.\n"


class _Dumper(yaml.SafeDumper):
    """YAML without anchors: what is equal is written out each time."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  (the signature is PyYAML's)
        return True


def render_all() -> Mapping[str, str]:
    """The text of each file by its name."""
    return {f"{GROUP}_{each.kind.plural}.yaml": _HEAD + _as_yaml(render(each)) for each in DEFINITIONS}


def stale(folder: Path) -> list[str]:
    """Names of the files in `folder` that are missing, differ from the models or belong to no kind; none if fresh.

    Only files that are named as herder's are looked at: the folder may hold others' too.
    """
    wanted = render_all()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob(f"{GROUP}_*.yaml")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(folder: Path) -> list[str]:
    """Makes `folder` fresh and returns the names of the files that it wrote or removed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = render_all()
    changed = stale(folder)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def _as_yaml(document: dict[str, Any]) -> str:
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text
