"""docs/tolerances.md lists exactly the tolerances in the code, and each has a test that exists."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import gateway.scim
import mappers
from mappers import tolerance

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tolerances.md"


def modules() -> Iterator[ModuleType]:
    for package in (mappers, gateway.scim):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """Every marked function and method that the module defines."""
    for value in vars(module).values():
        inner = vars(value).values() if inspect.isclass(value) else (value,)
        for each in inner:
            if tolerance.mark_of(each) is not None and each.__module__ == module.__name__:
                yield each


TOLERANCES = {each for module in modules() for each in functions(module)}


def test_the_page_is_what_the_code_says() -> None:
    table = tolerance.reference_table(TOLERANCES)
    assert len(TOLERANCES) > 30
    assert PAGE.read_text().endswith(f"\n{table}\n"), (
        f"end {PAGE.name} with the output of mappers.tolerance.reference_table():\n{table}"
    )


@pytest.mark.parametrize("function", sorted(TOLERANCES, key=str))
def test_a_tolerance_has_a_test(function: FunctionType) -> None:
    mark = tolerance.mark_of(function)
    assert mark is not None
    file, _, name = mark.test.partition("::")
    parsed = ast.parse((ROOT / "tests" / file).read_text())
    defined = [
        node for node in parsed.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert name in {node.name for node in defined}


def test_what_has_no_docstring_cannot_be_listed() -> None:
    def unsaid() -> None: ...

    marked = tolerance.tolerance(seen="here", test="nowhere")(unsaid)
    with pytest.raises(ValueError, match="docstring"):
        tolerance.reference_table([marked])  # type: ignore[list-item]  # it is a function
    assert tolerance.mark_of("no function") is None
