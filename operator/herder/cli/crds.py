"""`herder crds`: write the CustomResourceDefinitions, or say which are stale."""

from pathlib import Path

import click

from herder.api.crd.files import stale, write


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail, and name the files that differ from this version's.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("crds"),
    show_default=True,
    help="Folder of the files. What is named as herder's there, but is of no kind that there is, is removed.",
)
def crds(check: bool, folder: Path) -> None:
    """Write the CustomResourceDefinitions of this version as files, or check those that are there."""
    if not check:
        for name in write(folder):
            click.echo(folder / name)
    elif not folder.is_dir():
        raise click.ClickException(f"there is no folder {folder} here to check: name it with --folder")
    elif names := stale(folder):
        raise click.ClickException(f"stale in {folder}: {', '.join(names)}; run `herder crds --folder {folder}`")
