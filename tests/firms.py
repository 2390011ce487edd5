"""A firm that the repository does not know, added as a newcomer would: a profile, and rows of contracts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hydrants import reference


@contextmanager
def added_firm(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    contractor: str,
    profile: str,
    contracts: Iterable[str] = (),
) -> Iterator[Path]:
    """Continue with a copy of the reference files in which the firm is one more; gives its profile.

    Args:
        contracts: lines for contracts.csv.
    """
    target = folder / "reference"
    shutil.copytree(reference.REFERENCE_DIR, target)
    path = target / "contractors" / f"{contractor}.yml"
    path.write_text(profile, encoding="utf-8")
    with (target / "contracts.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in contracts)
    with monkeypatch.context() as patched:
        patched.setattr(reference, "REFERENCE_DIR", target)
        reference.contracts.cache_clear()
        yield path
    reference.contracts.cache_clear()
