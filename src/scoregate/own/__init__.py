"""What stays the engine's own whatever the user's code does to its process: clock, folder, JSON.

Everything here is bound when it is imported, which `bind` does before any code of the user runs.
"""

from __future__ import annotations


def bind() -> None:
    """Keep what is needed as it is now."""
    from scoregate.own import clock, folder, json_codec  # noqa: F401
