"""Which Python runs another version's code: this one, unless the lock files say that it needs other packages."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.files.lock import file_lock
from scoregate.git.revisions import own_folder
from scoregate.wording import Say, first_line

_FOLDER = "environments"
_UV = "uv.lock"
_NOT_INSTALLED_HERE = ("poetry.lock", "pdm.lock", "Pipfile.lock")
_REQUIREMENTS = "requirements*.txt"
_COMPLETE = "scoregate-complete"
"""A file in an environment in which everything was installed."""
_INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]*([^\s#]+)", re.MULTILINE)
_LOCAL = re.compile(
    r"^\s*(?:-e\b|--editable\b|\.{0,2}/|file:)|@\s*(?:file:|\.{0,2}/)|\{\s*(?:editable|directory|path|virtual)\s*=",
    re.MULTILINE,
)
_LAST_LINES = 5


def python_for(root: Path, worktree: Path, *, say: Say | None = None) -> Path:
    """The Python for the code in `worktree`, another version of the project in `root`.

    This process's own where both have the same lock files (uv.lock, poetry.lock, pdm.lock, Pipfile.lock,
    requirements*.txt and what these include), and where the other version has none. Else one in an environment of
    its own below `.scoregate/environments/`, with this Python's version, made now or found complete.

    `say` is told before something is installed, which may take minutes. What the installer prints goes to a `.log`
    file beside the environment. Raises ConfigError where the lock
    files cannot be installed, with the last lines of it.
    """
    wanted = lock_files(worktree)
    if not wanted or wanted == lock_files(root):
        return Path(sys.executable)
    folder = own_folder(root.resolve(), _FOLDER) / _key(wanted, worktree)
    with file_lock(folder.with_suffix(".lock")):
        if not (folder / _COMPLETE).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, worktree, sorted(wanted), say or (lambda _: None))
            (folder / _COMPLETE).write_text("", encoding="utf-8")
    return _python(folder)


def lock_files(project: Path) -> dict[str, bytes]:
    """Path in the project -> content, of all its lock files. Raises ConfigError."""
    names = [name for name in (_UV, *_NOT_INSTALLED_HERE) if (project / name).is_file()]
    names += sorted(path.name for path in project.glob(_REQUIREMENTS) if path.is_file())
    found: dict[str, bytes] = {}
    while names:
        name = names.pop()
        try:
            found[name] = (project / name).read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", where=str(project / name)) from error
        if name.endswith(".txt"):
            included = [os.path.normpath(Path(name).parent / more) for more in _included(found[name])]
            names += [more for more in included if more not in found and (project / more).is_file()]
    return found


def _included(content: bytes) -> list[str]:
    return _INCLUDED.findall(content.decode(errors="replace"))


def _key(wanted: dict[str, bytes], worktree: Path) -> str:
    """Names the environment. Lock files that name folders of the project mean those of one commit."""
    digest = hashlib.sha256(f"{sys.version}\0{sys.base_prefix}".encode())
    for name, content in sorted(wanted.items()):
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    if any(_LOCAL.search(content.decode(errors="replace")) for content in wanted.values()):
        digest.update(os.fsencode(worktree.resolve()))
    return digest.hexdigest()[:16]


def _install(folder: Path, worktree: Path, names: list[str], say: Say) -> None:
    requirements = [name for name in names if Path(name).match(_REQUIREMENTS) and Path(name).parent == Path()]
    if _UV in names:
        uv = shutil.which("uv")
        if uv is None:
            raise ConfigError(
                "differs from the present one, and there is no `uv` to install it",
                where=str(worktree / _UV),
                hint="install uv",
            )
        _run([uv, "sync", "--frozen", "--python", sys.executable], folder, worktree, say)
        return
    other = next((name for name in _NOT_INSTALLED_HERE if name in names), None)
    if other is not None and "requirements.txt" not in requirements:
        raise ConfigError(
            "differs from the present one, and scoregate does not install this kind",
            where=str(worktree / other),
            hint="commit its export as requirements.txt too, or take a stored run as the baseline",
        )
    _run([sys.executable, "-m", "venv", str(folder)], folder, worktree, say)
    listed = [argument for name in requirements for argument in ("-r", name)]
    pip = [str(_python(folder)), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run([*pip, "install", *listed], folder, worktree, say)


def _run(command: list[str], folder: Path, worktree: Path, say: Say) -> None:
    # Without what would install elsewhere: these name the environment that this process was started in.
    drop = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "CONDA_PREFIX")
    environment = {name: value for name, value in os.environ.items() if name not in drop}
    log = folder.with_suffix(".log")
    say(f"installing the packages of {worktree} ({log})")
    with log.open("ab") as output:
        start = output.tell()
        done = subprocess.run(
            command,
            cwd=worktree,
            env={**environment, "UV_PROJECT_ENVIRONMENT": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        said = log.read_bytes()[start:].decode(errors="replace").splitlines()
        last = "; ".join([first_line(line) for line in said if line.strip()][-_LAST_LINES:]) or "no output"
        raise ConfigError(
            f"its packages cannot be installed (exit code {done.returncode}): {last}",
            where=str(worktree),
            hint=f"all that was printed is in {log}",
        )


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
