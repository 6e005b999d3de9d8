"""Standard output belongs to the command's result: whatever the user's code prints goes to stderr."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def claim_stdout() -> TextIO:
    """A stream to the real stdout; for the rest of the process everybody else's stdout is stderr.

    Call it before any code of the user runs. It is not given back: a thread of a candidate that hangs is left
    behind and may print at any moment until the process ends, also while the verdict is written.
    """
    sys.stdout.flush()
    ours = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors="replace")
    os.dup2(2, 1)
    return ours
