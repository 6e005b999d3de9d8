"""Everything that talks to Langfuse. The only room that may import its SDK, and OpenTelemetry.

For scripts that run with the SDK itself, the gate is at hand here:

    from scoregate.langfuse import enforce

    enforce("gates/support_agent.toml", context.run_experiment(name="support agent", task=task))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoregate.gate_run.enforce import enforce

__all__ = ["enforce"]


_HOMES = {"enforce": "scoregate.gate_run.enforce"}
"""Public name -> the module right of this room that it is an address of."""


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(home), name)
