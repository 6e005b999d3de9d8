"""The script that a worker's Python is started with. It may run in an environment without scoregate.

Only the package `scoregate` is taken from the installation that this file belongs to, as a module and not by an
entry of the import path, which would bring everything installed beside it. So what is imported here, and what that
imports, is the standard library and our own modules.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path


def _provide_scoregate(package: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "scoregate", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None  # a path with `.py` has one
    module = importlib.util.module_from_spec(spec)
    sys.modules["scoregate"] = module
    spec.loader.exec_module(module)


def main() -> None:
    settings = json.loads(sys.argv[1])
    sys.argv[:] = [settings["experiment"]]
    package = Path(__file__).resolve().parents[2]
    _provide_scoregate(package)
    from scoregate.runner.candidates.answering import answer_questions
    from scoregate.runner.candidates.parent_span import load, under_traceparent
    from scoregate.runner.candidates.relocation import Relocation, relocate_imports

    if settings["relocation"] is not None:
        here, there = map(Path, settings["relocation"])
        relocate_imports(Relocation(here, there), kept=[package])
    sys.path += [folder for folder in settings["import_folders"] if folder not in sys.path]
    if os.environ.get("LANGFUSE_PUBLIC_KEY"):
        load()  # So that calls may have a parent, and none waits for this.
    answer_questions(Path(settings["experiment"]), settings["socket"], under_traceparent)


if __name__ == "__main__":
    main()
