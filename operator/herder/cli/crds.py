"""`herder crds`: write the CustomResourceDefinitions, or say which are stale."""

from pathlib import Path

import click

from herder.api.crd.files import stale, write


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail and name the files that differ from the models.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("crds"),
    show_default=True,
    help="Folder that holds the files, and nothing else that ends in .yaml.",
)
def crds(check: bool, folder: Path) -> None:
    """Write the CustomResourceDefinitions that the models stand for."""
    if not check:
        for name in write(folder):
            click.echo(folder / name)
    elif names := stale(folder):
        raise click.ClickException(f"stale in {folder}: {', '.join(names)}; run `herder crds`")
