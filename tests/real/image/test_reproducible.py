"""Whoever builds a commit gets the same layers, so what a layer holds can be checked by building anew."""

import shutil
from pathlib import Path

from rig.image.build import CHECKOUT, Image, build, built


def _copied_anew(folder: Path) -> Path:
    """What a build may read of the checkout as somebody else has it: in another folder, its files of another time."""
    folder.mkdir()
    rules = (CHECKOUT / ".dockerignore").read_text().splitlines()
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    for source in (CHECKOUT / name for name in ("Dockerfile", ".dockerignore", *let_in)):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, folder / source.name)
    return folder


def test_two_builds_of_one_commit_have_the_same_layers(image: Image, tmp_path: Path) -> None:
    result, scratch = tmp_path / "image", tmp_path / "scratch"
    result.mkdir()
    scratch.mkdir()

    build(result, scratch, tmp_path / "build.log", context=_copied_anew(tmp_path / "checkout"))

    again = built(result).layout.layers
    assert [layer.blob.name for layer in again] == [layer.blob.name for layer in image.layout.layers]
