"""Killed at every step, and run again: nothing is lost, nothing doubled, and readers never see half of it.

The steps are not listed here: a night is run while everything it does to the world is watched
(`tests.faults.watching`), and each thing that it was seen to do is a place at which another night dies.
With FAULTS_ALL=1 in the environment nights die at every statement too, at the last file of its kind as well
as at the first, and each in a world of its own.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hydrants import night
from tests.faults.ordeals import Cut, Ordeal
from tests.faults.watching import STEPS, Boundary

PACKAGE = Path(night.__file__).parent
IS_THOROUGH = bool(os.environ.get("FAULTS_ALL"))

pytestmark = pytest.mark.timeout(7200)


def _everything(_boundary: Boundary) -> bool:
    return True


def _outlives_a_transaction(boundary: Boundary) -> bool:
    """Whether others can see the effect: a statement is undone with its transaction, a file is not."""
    return not boundary.is_statement


def _commits(boundary: Boundary) -> bool:
    return boundary.effect in ("commit", "after the commit")


def test_every_step_of_the_night_is_seen(second_night: Ordeal) -> None:
    found = second_night.boundaries()
    assert {boundary.step for boundary in found} == {*night.BATCH_STAGES, *STEPS}
    for step in (*night.BATCH_STAGES, *STEPS):
        effects = {boundary.effect for boundary in found if boundary.step == step}
        assert {"commit", "after the commit"} <= effects, step
    for folder in ("landing", "photos", "site"):
        effects = {boundary.effect.split(" ")[0] for boundary in found if f" {folder}/" in boundary.effect}
        assert {"write", "rename", "mkdir"} <= effects, folder


BY_PEOPLE = {
    "backup", "cli", "cli_addresses", "cli_matching", "cli_portal", "demo", "portal", "proposals", "rebuild",
    "review", "template",
}  # fmt: skip
"""Parts that write when a person runs a command or visits the portal, not in a night; in one transaction."""

BESIDE = {
    "geocoding.online.asking": "with an address service only: tests/test_online_geocoding.py",
    "journal.applied": "takes up what a crash left: the night after each one that is killed here",
    "publishing.exporting": "a person exports, in place of what is there: tests/test_exporting.py",
    "publishing.retention": "only where it is set how long snapshots are kept: tests/test_retention.py",
    "receipts.mail": "only with a mail server: tests/test_mail.py and tests/test_dags.py",
    "receipts.uploads": "a person lets a file through: tests/test_uploads.py",
    "register.exports": "unpacks into a temporary folder of the system, which nobody reads afterwards",
    "replay.before": "once, on a store of an older version: tests/test_journal.py",
}
"""Modules that write in some nights, not in this one; and where it is shown that they may be cut."""

_FILE_CALLS = {
    "mkdir",
    "makedirs",
    "NamedTemporaryFile",
    "symlink_to",
    "rmtree",
    "write_bytes",
    "touch",
    "Workbook",
}


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _writes_rows(tree: ast.AST) -> bool:
    return any(ast.unparse(call.func) == "store.write" for call in _calls(tree))


def _writes_files(tree: ast.AST) -> bool:
    return any(
        ast.unparse(call.func).rpartition(".")[2] in _FILE_CALLS
        or re.search(r"\bopen\(.*['\"][wax]b?['\"]", ast.unparse(call))
        for call in _calls(tree)
    )


def test_nothing_writes_unseen(second_night: Ordeal) -> None:
    """A module that commits or writes files, and that no night here was seen to be cut in, fails this."""
    seen = {boundary.function for boundary in second_night.boundaries()}
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        part = module.partition(".")[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if part in BY_PEOPLE | {"store"} or module in BESIDE:  # who calls the store is seen in its stead
            continue
        if (_writes_rows(tree) or _writes_files(tree)) and not any(
            name.startswith(f"{module}.") for name in seen
        ):
            found.append(module)
    assert found == []
    assert [
        module for module in BESIDE if not PACKAGE.joinpath(*module.split(".")).with_suffix(".py").exists()
    ] == []


def _worlds(cuts: list[Cut]) -> int:
    return len(cuts) if IS_THOROUGH else os.cpu_count() or 1


def test_killed_at_every_step(second_night: Ordeal, tmp_path: Path) -> None:
    on_server = second_night.world.server_url is not None
    which = _everything if IS_THOROUGH else _outlives_a_transaction if on_server else _commits
    cuts = second_night.cuts(which, is_last_too=IS_THOROUGH)
    assert len(cuts) > 25
    assert second_night.undergo(tmp_path, cuts, _worlds(cuts)) == []


def test_killed_at_every_step_of_the_first_night_ever(first_night: Ordeal, tmp_path: Path) -> None:
    cuts = first_night.cuts(_everything if IS_THOROUGH else _commits)
    assert len(cuts) > 25
    assert first_night.undergo(tmp_path, cuts, _worlds(cuts)) == []


@pytest.mark.parametrize("server_url", ["postgis"], indirect=True)
@pytest.mark.postgis
def test_one_kill_and_one_night_make_it_good(second_night: Ordeal, tmp_path: Path) -> None:
    """What several nights after one another make good, one has to as well: once in each step."""
    commits = second_night.cuts(_commits)
    cuts = list({cut.boundary.step: cut for cut in commits if cut.boundary.effect == "commit"}.values())
    assert len(cuts) == len(night.BATCH_STAGES) + len(STEPS)
    assert second_night.undergo(tmp_path, cuts, len(cuts)) == []
