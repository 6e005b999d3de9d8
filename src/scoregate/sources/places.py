"""Where things are in a user's project."""

from __future__ import annotations

from pathlib import Path

from scoregate.catalog import CATALOG_FILE, Catalog, read_catalog
from scoregate.store import Store

STORE = Path(".scoregate") / "store.sqlite3"


def find_root(start: Path | None = None) -> Path:
    """The project's folder: the working directory or its nearest ancestor that holds `gates/`, else itself."""
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / "gates").is_dir()), here)


def open_store(root: Path, *, path: Path | None = None, create: bool = True) -> Store:
    """The project's store, or the one at `path`. Raises StoreError."""
    return Store.open(path or root / STORE, create=create)


def existing_store(root: Path, path: Path | None = None) -> Store | None:
    """The project's store, or the one at `path`; None where there is none. Raises StoreError."""
    place = path or root / STORE
    return open_store(root, path=place, create=False) if place.exists() else None


def read_catalog_of(root: Path) -> Catalog:
    """The project's score catalog, `gates/scores.toml`; an empty one where there is none. Raises ConfigError."""
    path = root / "gates" / CATALOG_FILE
    return read_catalog(path) if path.exists() else Catalog()
