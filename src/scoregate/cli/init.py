"""`scoregate init`: a small working gate in the user's repository."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--name", default="agent", show_default=True, help="Name of the gate and its files.")
def init(folder: Path, name: str) -> None:
    """Write a small gate into FOLDER (the working directory by default) that runs at once.

    A dataset, an experiment, a gate with its score catalog, and a GitHub workflow. No file is overwritten.
    """
    from scoregate.project.starter import write_starter

    for path in write_starter(folder, name):
        click.echo(f"wrote {path}")
    prefix = "" if folder == Path() else f"cd {folder} && "
    click.echo(
        f"\nNext:\n"
        f"  {prefix}scoregate run gates/{name}.toml\n"
        f'  scoregate baseline accept gates/{name}.toml RUN --why "first version"   # RUN is printed by run\n'
        f"  scoregate run gates/{name}.toml                                        # now it compares\n"
        f"Then put your agent into experiments/{name}.py and your cases into datasets/{name}.jsonl."
    )
