"""What a gate is made of, as files: those that it names, its candidate's code, and what that reads by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from scoregate.calibration.file import calibration_path
from scoregate.gate_file import NO_GATES, Gate
from scoregate.gate_file.source import File, LangfuseDataset
from scoregate.scorers.file_sources import Sources, sources_of

_DEPENDENCIES = (
    "pyproject.toml", "setup.py", "setup.cfg", "requirements*.txt", "requirements*.in", "constraints*.txt", "uv.lock",
    "poetry.lock", "pdm.lock", "pylock*.toml", "Pipfile", "Pipfile.lock", "environment*.yml", "conda-lock.yml",
    ".python-version",
)  # fmt: skip
"""What says which packages there are, in the project's folder and those above it."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of a gate."""

    root: Path
    """The project's folder."""
    files: frozenset[Path]
    """All that it names, whether they are there or not, and the modules of its code."""
    sources: tuple[Sources, ...]
    """Of the candidate's code and of evaluators beside it."""
    elsewhere: str | None = None
    """A clause on what no file tells the state of; None where there is nothing like that."""

    def without(self, name: str | None) -> Inputs:
        """The same without one of its files."""
        return self if name is None else replace(self, files=self.files - {Path(name), Path(name).resolve()})

    def met_by(self, changed: Iterable[Path], top: Path) -> Path | None:
        """The first of these changed files that the gate is made of; `top` is the top of the repository."""
        return next((path for path in sorted(changed) if self._is_made_of(path, top)), None)

    def _is_made_of(self, path: Path, top: Path) -> bool:
        # A submodule is told as its folder.
        if path in self.files or (path.is_dir() and any(file.is_relative_to(path) for file in self.files)):
            return True
        above = [folder for folder in (self.root, *self.root.parents) if folder.is_relative_to(top)]
        if path.parent in above and any(path.match(pattern) for pattern in _DEPENDENCIES):
            return True
        return any(self._is_read_by(source, path) for source in self.sources)

    def _is_read_by(self, source: Sources, path: Path) -> bool:
        """Whether code may open it, as it says its name or that of a folder of it; or imported it, where it is gone."""
        if not path.is_relative_to(self.root):
            return False
        parts = path.relative_to(self.root).parts
        if path.suffix == ".py":
            if not path.exists() and path.stem in source.modules:
                return True
            name, parts = (
                ".".join(parts).removesuffix(".py"),
                (path.name,),
            )  # a script, or one imported by its name
            if any("." in text and f".{name}".endswith(f".{text}") for text in source.texts):
                return True
        return any(text.rstrip("/").rpartition("/")[2] in parts for text in source.texts if text.strip("./"))


def inputs_of(gate: Gate) -> Inputs:
    """The files of a gate that was read from a file."""
    code = tuple(map(sources_of, _code_of(gate)))
    named = [path for path in _named_by(gate) if not path.is_dir()]
    return Inputs(
        root=gate.root.resolve(),
        files=frozenset((*named, *(path.resolve() for path in named))).union(*(one.files for one in code)),
        sources=code,
        elsewhere=_elsewhere(gate),
    )


def _named_by(gate: Gate) -> Iterator[Path]:
    assert gate.path is not None
    yield gate.path
    yield from (gate.path.parent / name for name in NO_GATES)
    for source in (gate.dataset_source, gate.baseline_source, gate.anchor_source):
        path = source.path if isinstance(source, File) else source
        if isinstance(path, Path):
            yield path
    yield from (Path(name) for name in (gate.input_schema, gate.expected_output_schema) if name)
    for scorer in gate.scorers:
        yield from (gate.root / text for text in _texts(scorer.arguments) if _may_be_path(text))
        yield calibration_path(gate.root, scorer.name)
    yield from (gate.root / rule.labels for rule in gate.rules.values() if rule.labels)
    if gate.candidate is not None:
        spec = gate.candidate
        given = (*spec.command, spec.replay, spec.evaluators, spec.python)
        yield from (gate.root / text for text in given if text and _may_be_path(text))


def _code_of(gate: Gate) -> Iterator[Path]:
    """Python files that are run: the candidate, what its command names, evaluators beside it."""
    spec = gate.candidate
    names = (spec.python, spec.evaluators, *spec.command) if spec is not None else ()
    paths = (gate.root / name for name in names if name and name.endswith(".py"))
    yield from (path for path in paths if path.is_file())


def _elsewhere(gate: Gate) -> str | None:
    source, spec = gate.dataset_source, gate.candidate
    if isinstance(source, LangfuseDataset) and source.version is None:
        return "its dataset is in Langfuse, and its state is not told by a file"
    if spec is None or gate.paths or spec.replay is not None:
        return None
    if spec.http is not None or not any(True for _ in _code_of(gate)):
        return "no file that it names says what its candidate is made of (`paths` in the gate can)"
    return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _may_be_path(text: str) -> bool:
    return 0 < len(text) <= 1000 and "\n" not in text and "\0" not in text
