"""What stays the engine's own whatever the user's code does to its process: clock, folder, JSON, signals and exit code.

All of it is bound as it is when any of it is imported first, which is before any code of the user runs.
"""

from scoregate.own import clock, folder, json_codec

__all__ = ["clock", "folder", "json_codec"]
