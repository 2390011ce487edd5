"""docs/faults.md names a test for each fault, and each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "faults.md"
FAULTS = 18


def _rows() -> dict[int, str]:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    cells = [line.strip("|").split("|") for line in lines if re.match(r"\| \d+ \|", line)]
    return {int(number): tests for number, _, tests, _ in cells}


def _named(cell: str) -> list[tuple[Path, str]]:
    """File and function of each test; one without a file is in that of the test before it."""
    found, path = [], Path()
    for name in re.findall(r"`([^`]+)`", cell):
        file, _, function = name.partition("::")
        path = ROOT / file if file else path
        found.append((path, function))
    return found


def test_every_fault_has_a_row() -> None:
    assert list(_rows()) == list(range(1, FAULTS + 1))


def test_every_test_that_is_named_exists() -> None:
    named = [test for cell in _rows().values() for test in _named(cell)]
    assert len(named) > FAULTS
    for path, function in named:
        assert path.is_file(), path
        defined = {
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        assert not function or function in defined, f"{path.name}::{function}"
        assert any(name.startswith("test_") for name in defined), path
