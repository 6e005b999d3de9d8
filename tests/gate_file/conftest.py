from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a catalog, as the working directory."""
    root = tmp_path / "project"
    (root / "gates").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root
