"""`scoregate init`: a small working gate in the user's repository."""

from __future__ import annotations

from pathlib import Path

import click

from scoregate.cli.printing import print_text


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--name", default="agent", show_default=True, help="Name of the gate and its files.")
def init(folder: Path, name: str) -> None:
    """Write a small gate into FOLDER (the working directory by default) that runs at once.

    A dataset, an experiment, a gate with its score catalog, and a GitHub workflow. No file is overwritten; a
    .gitignore that is there gets the lines that it lacks, so that no keys in a .env are committed.
    """
    import shlex

    from scoregate.starter import ignore_in_git, write_starter

    written, kept = write_starter(folder, name)
    ignore_file, ignored = ignore_in_git(folder)
    for path in written:
        print_text(f"wrote {path}")
    if ignored:
        print_text(f"wrote {' and '.join(ignored)} into {ignore_file}")
    for path in kept:
        print_text(f"kept  {path} as it is")
    print_text("\nNext:")
    if folder != Path():
        print_text(f"  cd {shlex.quote(str(folder))}")
    everything = "." if all(path.is_relative_to(folder) for path in written) else "--all"
    print_text(
        f'  git add {everything} && git commit -m "Add a gate"   # a baseline is accepted from committed work\n'
        f"  scoregate run gates/{name}.toml      # prints its run, which has nothing to be compared with yet\n"
        f'  scoregate baseline accept gates/{name}.toml RUN --why "first version"\n'
        f"  scoregate run gates/{name}.toml      # now it compares\n"
        f"Then put your agent into experiments/{name}.py and your cases into datasets/{name}.jsonl."
    )
