"""Everything that talks to Langfuse. The only room that may import its SDK, and OpenTelemetry.

For scripts that run with the SDK itself, the gate is at hand here:

    from scoregate.langfuse import enforce

    enforce("gates/support_agent.toml", context.run_experiment(name="support agent", task=task))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoregate.gate_run.enforce import enforce

__all__ = ["enforce"]


def __getattr__(name: str) -> object:
    # Made from parts that stand right of this room, so it is looked up only where a script asks for it.
    if name == "enforce":
        from scoregate.gate_run.enforce import enforce

        return enforce
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
