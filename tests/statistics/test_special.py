"""Special functions come from scipy's compiled module alone, and leave the package as whole as without them."""

from __future__ import annotations

import subprocess
import sys

import pytest

USED = ("bdtr", "betaincinv", "binom", "gammaln", "ndtri", "stdtr", "stdtrit")
FIRST = f"""\
import sys
from scoregate.statistics.special import special_function
found = {{name: special_function(name) for name in {USED}}}
"""


def new_process(code: str) -> str:
    """What an interpreter prints that has loaded nothing yet."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_package_around_them_is_not_loaded() -> None:
    loaded = new_process(FIRST + "print(*sys.modules)").split()
    assert "scipy.special._ufuncs" in loaded
    assert not {"scipy.special", "scipy.special._basic", "numpy.f2py", "numpy.testing"} & set(loaded)


def test_they_are_the_functions_that_the_package_hands_out() -> None:
    after = "import scipy.special\nprint(all(getattr(scipy.special, name) is found[name] for name in found))"
    assert new_process(FIRST + after) == "True"


def test_they_are_the_same_where_the_package_was_loaded_before() -> None:
    same = "print(all(getattr(scipy.special, name) is found[name] for name in found))"
    assert new_process(f"import scipy.special\n{FIRST}{same}") == "True"


def test_what_is_not_compiled_comes_from_the_package() -> None:
    assert new_process(FIRST + "print(float(special_function('logsumexp')([0.0])))") == "0.0"


def test_what_does_not_exist_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        new_process(FIRST + "special_function('no_such_function')")


def test_the_package_is_whole_for_whoever_imports_it_afterwards() -> None:
    after = "import scipy.stats\nprint(scipy.stats.t.ppf(0.99, 10) == found['stdtrit'](10, 0.99))"
    assert new_process(FIRST + after) == "True"


def test_the_package_is_whole_in_threads_that_import_it_meanwhile() -> None:
    code = """\
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy, scipy
from scoregate.statistics.special import special_function

together = Barrier(8)

def whole():
    together.wait()
    from scipy.special import logsumexp, stdtrit
    return stdtrit

def ours():
    together.wait()
    return special_function("stdtrit")

with ThreadPoolExecutor(8) as pool:
    found = [one.result() for one in [pool.submit(work) for work in (whole, ours) * 4]]
print(len(set(map(id, found))))
"""
    assert [new_process(code) for _ in range(3)] == ["1"] * 3
