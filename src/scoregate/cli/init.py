"""`scoregate init`: a small working gate in the user's repository."""

from __future__ import annotations

from pathlib import Path

import click

from scoregate.cli.printing import print_text


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--name", default="agent", show_default=True, help="Name of the gate and its files.")
@click.option(
    "--forks",
    is_flag=True,
    help="For pull requests from forks: a workflow without rights, and another one that comments for it.",
)
def init(folder: Path, name: str, forks: bool) -> None:
    """Write a small gate into FOLDER (the working directory by default) that runs at once.

    A dataset, an experiment, a gate with its score catalog, and a GitHub workflow at the top of the repository, which
    gets each further gate as well. No file is overwritten; a .gitignore that is there gets the lines that it lacks, so
    that no keys in a .env are committed.
    """
    import shlex

    from scoregate.starter import ignore_in_git, write_starter
    from scoregate.starter.workflow import OWNER

    made = write_starter(folder, name, forks=forks)
    ignore_file, ignored = ignore_in_git(folder)
    for path in made.new:
        print_text(f"wrote {path}")
    for path in made.extended:
        print_text(f"added the gate to {path}")
    if ignored:
        print_text(f"wrote {' and '.join(ignored)} into {ignore_file}")
    for path in made.kept:
        print_text(f"kept  {path} as it is")
    print_text("\nNext:")
    if folder != Path():
        print_text(f"  cd {shlex.quote(str(folder))}")
    below = all(
        path.is_relative_to(folder) and ".." not in path.parts for path in (*made.new, *made.extended)
    )
    everything = "." if below else "--all"
    print_text(
        f'  git add {everything} && git commit -m "Add a gate"   # a baseline is accepted from committed work\n'
        f"  scoregate run gates/{name}.toml      # prints its run, which has nothing to be compared with yet\n"
        f'  scoregate baseline accept gates/{name}.toml RUN --why "first version"\n'
        f"  scoregate run gates/{name}.toml      # now it compares\n"
        f"Then put your agent into experiments/{name}.py and your cases into datasets/{name}.jsonl.\n"
        f"In the workflow, {OWNER} stands for the account on GitHub that you take scoregate from."
    )
