from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

from scoregate.errors import ConfigError
from scoregate.git.environments import lock_files, python_for
from tests.git.repository import (
    Repository,
    candidate_named,
    environment_in,
    gate_of,
    outputs,
    outputs_seen_by,
)

EXPERIMENT = "import greeting\ndef task(*, item): return greeting.VERSION\n"


def wheel(folder: Path, version: str) -> str:
    """A package `greeting` that pip installs without a network. Gives its file's name."""
    name = f"greeting-{version}-py3-none-any.whl"
    info = f"greeting-{version}.dist-info"
    files = {
        "greeting.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    records = [f"{info}/RECORD,,"]
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        records.append(f"{path},sha256={digest},{len(text)}")
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": "\n".join(records) + "\n"}.items():
            archive.writestr(path, text)
    return name


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder.mkdir(exist_ok=True)
    return folder


def refused(root: Path, other: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        python_for(root, other)
    return str(caught.value)


def test_the_same_lock_files_mean_this_python(tmp_path: Path) -> None:
    here = project(tmp_path / "here", {"uv.lock": "a", "requirements-dev.txt": "b"})
    there = project(tmp_path / "there", {"uv.lock": "a", "requirements-dev.txt": "b"})
    assert python_for(here, there) == Path(sys.executable)


def test_a_version_without_lock_files_asks_for_nothing_else(tmp_path: Path) -> None:
    here, there = project(tmp_path / "here", {"requirements.txt": "x"}), project(tmp_path / "there", {})
    assert python_for(here, there) == Path(sys.executable)


def test_what_a_requirements_file_includes_belongs_to_it(tmp_path: Path) -> None:
    files = {"requirements.txt": "-r deps/base.txt\n", "deps/base.txt": "--constraint=pins.txt\n"}
    there = project(tmp_path / "there", {**files, "deps/pins.txt": "a==1\n", "deps/other.txt": ""})
    assert sorted(lock_files(there)) == ["deps/base.txt", "deps/pins.txt", "requirements.txt"]


def test_a_kind_that_is_not_installed_here_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    here = project(tmp_path / "here", {"poetry.lock": "a"})
    said = refused(here, project(tmp_path / "there", {"poetry.lock": "b"}))
    assert "there/poetry.lock: differs from the present one" in said
    assert "requirements.txt" in said


def test_a_uv_lock_needs_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    here = project(tmp_path / "here", {"uv.lock": "a"})
    assert "install uv" in refused(here, project(tmp_path / "there", {"uv.lock": "b"}))


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, which writes down how it was called; it fails in a folder with a file `bad`."""
    script = """
        #!/bin/sh
        echo "$PWD $*" >>"$PWD/called"
        mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
        touch "$UV_PROJECT_ENVIRONMENT/bin/python"
        echo Resolved; echo; echo "error: no such package" >&2
        test ! -e bad
    """
    program = project(tmp_path / "bin", {"uv": dedent(script).lstrip()}) / "uv"
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program


def test_uv_installs_into_an_environment_below_the_store(tmp_path: Path, uv: Path) -> None:
    here, there = project(tmp_path / "here", {"uv.lock": "a"}), project(tmp_path / "there", {"uv.lock": "b"})
    python = python_for(here, there)
    assert python.is_file()
    assert python.parents[2] == here / ".scoregate" / "environments"
    assert (there / "called").read_text() == f"{there} sync --frozen --python {sys.executable}\n"


def test_a_complete_environment_is_used_again_and_a_half_made_one_made_anew(tmp_path: Path, uv: Path) -> None:
    here, there = project(tmp_path / "here", {"uv.lock": "a"}), project(tmp_path / "there", {"uv.lock": "b"})
    made = python_for(here, there).parents[1]
    assert python_for(here, there).parents[1] == made
    assert len((there / "called").read_text().splitlines()) == 1
    (made / "scoregate-complete").unlink()
    (made / "half").write_text("")
    assert python_for(here, there).parents[1] == made
    assert not (made / "half").exists()


def test_other_content_and_other_folders_of_the_project_mean_another_environment(
    tmp_path: Path, uv: Path
) -> None:
    here = project(tmp_path / "here", {"uv.lock": "a"})

    def made(name: str, lock: str) -> Path:
        return python_for(here, project(tmp_path / name, {"uv.lock": lock}))

    assert made("one", "x") == made("two", "x")
    assert made("one", "x") != made("one", "y")
    editable = 'source = { editable = "." }'
    assert made("one", editable) != made("two", editable)


def test_a_failing_installation_shows_its_last_lines_and_is_tried_again(tmp_path: Path, uv: Path) -> None:
    here = project(tmp_path / "here", {})
    there = project(tmp_path / "there", {"uv.lock": "b", "bad": ""})
    said = refused(here, there)
    assert "packages cannot be installed (exit code 1): Resolved; error: no such package" in said
    assert ".log" in said
    (there / "bad").unlink()
    assert python_for(here, there).is_file()


def test_each_version_sees_its_own_packages(repository: Repository, tmp_path: Path) -> None:
    vendor = repository.folder / "vendor"
    first, second = wheel(vendor, "1.0"), wheel(vendor, "2.0")
    repository.commit({"experiment.py": EXPERIMENT, "requirements.txt": f"--no-index\n./vendor/{first}\n"})
    repository.write({"requirements.txt": f"--no-index\n./vendor/{second}\n"})
    python, packages = environment_in(tmp_path / "present")
    zipfile.ZipFile(vendor / second).extractall(packages)
    assert outputs_seen_by(python, repository.folder, "git:main", "experiment.py") == ["1.0", "2.0"]

    gate = gate_of(repository.folder, command=("python", "-c", "import greeting; print(greeting.VERSION)"))
    assert outputs(candidate_named(gate, "git:main")) == [1.0]  # its bin folder comes first on PATH
