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


def new_process(code: str) -> subprocess.CompletedProcess[str]:
    """An interpreter that has loaded nothing yet, at its end."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def first() -> list[str]:
    """What they say who come first: the modules, then whether the package is whole that is imported afterwards."""
    after = """\
print(*sys.modules)
import scipy.stats
print(scipy.stats.t.ppf(0.99, 10) == found['stdtrit'](10, 0.99))
print(all(getattr(scipy.special, name) is found[name] for name in found))
"""
    return new_process(FIRST + after).stdout.splitlines()


@pytest.fixture(scope="module")
def others() -> subprocess.CompletedProcess[str]:
    """A process that asks for two that are not compiled, of which one does not exist."""
    after = "print(float(special_function('logsumexp')([0.0])))\nspecial_function('no_such_function')"
    return new_process(FIRST + after)


def test_the_package_around_them_is_not_loaded(first: list[str]) -> None:
    loaded = set(first[0].split())
    assert "scipy.special._ufuncs" in loaded
    assert not {"scipy.special", "scipy.special._basic", "numpy.f2py", "numpy.testing"} & loaded


def test_the_package_is_whole_for_whoever_imports_it_afterwards(first: list[str]) -> None:
    assert first[1] == "True"


def test_they_are_the_functions_that_the_package_hands_out(first: list[str]) -> None:
    assert first[2] == "True"


def test_they_are_the_same_where_the_package_was_loaded_before() -> None:
    same = "print(all(getattr(scipy.special, name) is found[name] for name in found))"
    assert new_process(f"import scipy.special\n{FIRST}{same}").stdout == "True\n"


def test_what_is_not_compiled_comes_from_the_package(others: subprocess.CompletedProcess[str]) -> None:
    assert others.stdout == "0.0\n"


def test_what_does_not_exist_is_an_error(others: subprocess.CompletedProcess[str]) -> None:
    assert others.returncode == 1
    assert others.stderr.splitlines()[-1].startswith("AttributeError:")
    assert "no_such_function" in others.stderr


def test_the_package_is_whole_in_threads_that_import_it_meanwhile() -> None:
    """Three times, each in a process of its own from where the package is not loaded."""
    code = """\
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy, scipy
from scoregate.statistics.special import special_function

for _ in range(2):
    if os.fork():
        os.wait()
        break

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
    assert new_process(code).stdout == "1\n" * 3
