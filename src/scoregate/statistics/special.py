"""Special functions of scipy, without what takes nine tenths of the import of `scipy.special`.

That package loads, for other array libraries that its functions can be given, far more than the functions: as much time
as numpy and everything of ours together. The functions themselves are compiled, in one module of the package, and the
package hands out the very same objects.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any, cast

_PACKAGE = "scipy.special"
_COMPILED = "scipy.special._ufuncs"


@cache
def special_function(name: str) -> Callable[..., Any]:
    """`scipy.special`'s function of this name, of numbers and numpy arrays."""
    # Another scipy may keep it elsewhere, and another Python import in another way: then it takes its time.
    with suppress(ImportError, AttributeError):
        if _COMPILED not in sys.modules:
            _load_compiled()
        return cast("Callable[..., Any]", getattr(sys.modules[_COMPILED], name))
    return cast("Callable[..., Any]", getattr(importlib.import_module(_PACKAGE), name))


def _load_compiled() -> None:
    """Load the compiled module alone; whoever imports the package gets it whole.

    Raises ImportError or AttributeError where that cannot be done.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        raise ModuleNotFoundError(_PACKAGE)
    bare: Any = _Bare(_PACKAGE)
    bare.__dict__.update(importlib.util.module_from_spec(spec).__dict__)
    bare.__spec__._initializing = True  # Other threads that import the package wait for the lock below.
    with importlib._bootstrap._ModuleLockManager(_PACKAGE):  # type: ignore[attr-defined]
        if _PACKAGE in sys.modules:
            importlib.import_module(_COMPILED)
            return
        sys.modules[_PACKAGE] = bare
        try:
            importlib.import_module(_COMPILED)
        finally:
            del sys.modules[_PACKAGE]


class _Bare(ModuleType):
    """The package while only its compiled module is loaded. A thread that came by it then finds all through it."""

    def __getattr__(self, name: str) -> object:
        whole = importlib.import_module(_PACKAGE)
        if whole is self:
            raise AttributeError(name)
        return getattr(whole, name)
