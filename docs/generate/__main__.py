"""`make docs`: write the pages of the reference that are made from the code, and the schema of the result document.

`tests/docs` makes them again and compares, so that a page never tells of an option that is gone, nor an option is
there of which no page tells.
"""

from __future__ import annotations

import json
from pathlib import Path

from docs.generate import commands, python
from scoregate.reports.build_document import result_schema

REFERENCE = Path(__file__).parents[1] / "reference"
SCHEMA = REFERENCE.parent / "verdict.schema.json"
PAGES = {"commands.md": commands.page, "python.md": python.page}


def main() -> None:
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(result_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
