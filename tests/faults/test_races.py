"""Several processes at once, late files, a register that changes in the midst, a clock that runs back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import publishing, store
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import BATCH, as_csv, good
from tests.faults import children, standing, story
from tests.faults.children import all_at_once, in_child
from tests.faults.ordeals import Ordeal
from tests.faults.watching import Boundary, Watcher
from tests.faults.worlds import World, tell

pytestmark = pytest.mark.timeout(1800)


def _query(settings: Settings, *columns: Any) -> list[tuple[Any, ...]]:
    engine = store.create_engine(settings.database_url)
    try:
        with store.read(engine) as connection:
            return sorted(tuple(row) for row in connection.execute(sa.select(*columns)))
    finally:
        engine.dispose()


def _lines(settings: Settings) -> list[dict[str, Any]]:
    engine = store.create_engine(settings.database_url)
    try:
        with store.read(engine) as connection:
            return [{**line, "snapshot_id": None} for line in publishing.progress(connection)]
    finally:
        engine.dispose()


# -- at once ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [children.one_night, children.night_as_tasks], ids=["by hand", "as tasks"])
def test_two_whole_nights_at_once(second_night: Ordeal, other: Any, tmp_path: Path) -> None:
    now = second_night.world.now
    with second_night.world.copied(tmp_path) as settings:
        ended = all_at_once([partial(children.one_night, settings, now), partial(other, settings, now)])
        assert [one.code for one in ended] == [0, 0], ended
        assert tell(settings).differences(second_night.told) == []
        assert len(_query(settings, tables.run.c.finished_at)) == 3, "that of the first night, and these two"


def _one_file_by_five_names(uploads: Path) -> None:
    """The same list, sent by five people to three folders."""
    content = as_csv([good(700), good(701, Resultaat="afgekeurd"), good(702, Datum="vroeger")])
    for number, batch in enumerate(("westlandia/33021",) * 3 + ("westlandia/33016", "interwest/32003")):
        (uploads / batch / f"lijst {number}.csv").write_bytes(content)


def test_five_nights_at_once_over_one_file_that_was_sent_five_times(
    second_night: Ordeal, tmp_path: Path
) -> None:
    world, uploads = second_night.world, tmp_path / "uploads"
    shutil.copytree(world.story.folder / "evening_2" / "uploads", uploads)
    _one_file_by_five_names(uploads)
    found = []
    for nights in (1, 5):
        with world.copied(tmp_path) as own:
            settings = own.model_copy(update={"uploads": uploads})
            ended = all_at_once([partial(children.one_night, settings, world.now)] * nights)
            assert [one.code for one in ended] == [0] * nights, ended
            landed = sum(one.answer["land"]["landed"] for one in ended)
            duplicates = sum(one.answer["land"]["duplicates"] for one in ended)
            sent = _query(settings, tables.delivery.c.upload_id, tables.delivery.c.file_name)
            found.append((landed, duplicates, tell(settings)))
            (upload_id,) = {number for number, name in sent if name.startswith("lijst ")}
            assert [number for number, _ in sent].count(upload_id) == 5
    (landed, duplicates, one_night), (landed_by_five, duplicates_by_five, five_nights) = found
    assert (landed_by_five, duplicates_by_five) == (landed, duplicates)
    assert duplicates >= 4
    assert five_nights.differences(one_night) == []


# -- late ------------------------------------------------------------------------------------------


def _snapshot_rows(settings: Settings, snapshot_id: int) -> list[list[tuple[Any, ...]]]:
    engine = store.create_engine(settings.database_url)
    try:
        with store.read(engine) as connection:
            return [
                sorted(
                    tuple(map(str, row))
                    for row in connection.execute(sa.select(table).where(table.c.snapshot_id == snapshot_id))
                )
                for table in (tables.snapshot, tables.snapshot_hydrant, tables.snapshot_progress)
            ]
    finally:
        engine.dispose()


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_late_files_make_a_new_snapshot_and_change_no_old_one(second_night: Ordeal, tmp_path: Path) -> None:
    """After the first night comes the second evening; then a list of a week ago turns up."""
    world, uploads = second_night.world, tmp_path / "uploads"
    shutil.copytree(world.story.folder / "evening_2" / "uploads", uploads)
    with world.copied(tmp_path) as own:
        settings = own.model_copy(update={"uploads": uploads})
        old = [(_snapshot_rows(settings, 1), _bytes_below(settings.site / "snapshots" / "1"))]
        assert in_child(children.one_night, settings, world.now).code == 0
        second = (settings.site / "current").resolve().name
        old.append(
            (_snapshot_rows(settings, int(second)), _bytes_below(settings.site / "snapshots" / second))
        )
        late = uploads.joinpath(*BATCH, "van vorige week.csv")
        shutil.copy(
            world.story.folder / "world" / "uploads" / "westlandia" / "33021" / "2019-08_controle.xlsx", late
        )
        week_ago = world.now.timestamp() - 7 * 86_400
        os.utime(late, (week_ago, week_ago))
        assert in_child(children.one_night, settings, world.now).code == 0
        third = (settings.site / "current").resolve().name
        assert third not in ("1", second)
        for snapshot_id, (rows, files) in zip((1, int(second)), old, strict=True):
            assert all(rows)
            assert files
            assert _snapshot_rows(settings, snapshot_id) == rows
            assert _bytes_below(settings.site / "snapshots" / str(snapshot_id)) == files
        after = tell(settings)
        with world.copied(tmp_path) as at_once:
            straight = at_once.model_copy(update={"uploads": uploads})
            assert in_child(children.one_night, straight, world.now).code == 0
            assert (
                after.readers["store"]
                == tell(straight).readers["store"]
                != second_night.told.readers["store"]
            )
            assert after.readers["site"] == tell(straight).readers["site"]


# -- the register ----------------------------------------------------------------------------------


def _later_register(world: World, folder: Path) -> Path:
    """An export a month later than all others, with one hydrant less."""
    source = world.story.folder / "evening_2" / "registers" / "dewatergroep" / "brandkranen_2019-06-01.csv"
    first, *_, last = lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    assert first != last
    target = folder / "brandkranen_2019-07-01.csv"
    target.write_text("".join(lines[:-1]), encoding="utf-8")
    declared = source.with_suffix(".yml").read_text(encoding="utf-8").replace("2019-06-01", "2019-07-01")
    target.with_suffix(".yml").write_text(declared, encoding="utf-8")
    return target


def _night_with_new_register(settings: Settings, world: World, export: Path, step: str, effect: str) -> int:
    """A night in which another process loads a register when this one comes to a boundary; its exit code."""
    codes: list[int] = []

    def see(boundary: Boundary, _arguments: tuple[Any, ...]) -> None:
        if not codes and (boundary.step, boundary.effect) == (step, effect):
            arguments = ["register", "load", "--operator", "dewatergroep", str(export)]
            environment = os.environ | children.environment_of(settings)
            command = [sys.executable, "-m", "hydrants.cli", *arguments]
            codes.append(subprocess.run(command, env=environment, check=False).returncode)

    Watcher(settings.site.parent, see)
    children.one_night(settings, world.now)
    return codes[0]


@pytest.mark.parametrize(
    ("step", "effect"),
    [
        ("match", "after the commit"),
        ("answer", "after the commit"),
        ("publish", "INSERT INTO snapshot_hydrant"),
        ("publish", "write site/*.html"),
        ("publish", "after the commit"),
    ],
)
def test_a_register_that_changes_in_the_midst(
    second_night: Ordeal, step: str, effect: str, tmp_path: Path
) -> None:
    """Every snapshot rests on one version, and the next one on the newest."""
    world = second_night.world
    if world.server_url is None and effect.startswith("INSERT"):
        pytest.skip("SQLite has one writer: the other process would wait for the one that waits for it")
    export = _later_register(world, tmp_path)
    with world.copied(tmp_path) as settings:
        ended = in_child(_night_with_new_register, settings, world, export, step, effect)
        assert (ended.code, ended.answer) == (0, 0), ended.answer
        _assert_one_version_per_snapshot(settings)
        assert in_child(children.one_night, settings, world.now).code == 0
        _assert_one_version_per_snapshot(settings)
        versions = _query(settings, sa.func.max(tables.register_version.c.register_version_id))
        rests_on = sa.select(tables.snapshot.c.register_version_id).where(
            tables.snapshot.c.snapshot_id == tables.current_snapshot.c.snapshot_id
        )
        assert _query(settings, rests_on.scalar_subquery()) == versions
        after = _lines(settings)
        with world.copied(tmp_path) as before:
            registers = tmp_path / "registers"
            shutil.copytree(before.registers, registers, dirs_exist_ok=True)
            for path in (export, export.with_suffix(".yml")):
                shutil.copy(path, registers / "dewatergroep")
            straight = before.model_copy(update={"registers": registers})
            assert in_child(children.one_night, straight, world.now).code == 0
            assert after == _lines(straight)
            assert after != second_night.told.readers["store"][0]


def _assert_one_version_per_snapshot(settings: Settings) -> None:
    status, state, taken = tables.snapshot_hydrant.c, tables.hydrant_state.c, tables.snapshot.c
    for snapshot_id, version in _query(settings, taken.snapshot_id, taken.register_version_id):
        listed = {
            row[0] for row in _query(settings, status.hydrant_id, status.snapshot_id) if row[1] == snapshot_id
        }
        states = _query(
            settings, state.hydrant_id, state.from_version_id, sa.func.coalesce(state.to_version_id, 9999)
        )
        assert listed == {hydrant for hydrant, since, until in states if since <= version < until}
        assert listed


# -- the clock -------------------------------------------------------------------------------------


def test_a_clock_that_runs_back_changes_no_figure(second_night: Ordeal, tmp_path: Path) -> None:
    """The second night an hour before the first, and files of any age: as if the clock had been right."""
    world, uploads = second_night.world, tmp_path / "uploads"
    shutil.copytree(world.story.folder / "evening_2" / "uploads", uploads)
    for number, path in enumerate(sorted(path for path in uploads.rglob("*") if path.is_file())):
        moment = story.CLOCK[0].timestamp() - 3_600 * number
        os.utime(path, (moment, moment))
    an_hour_earlier = story.CLOCK[0].replace(hour=story.CLOCK[0].hour - 1)
    with world.copied(tmp_path) as own:
        settings = own.model_copy(update={"uploads": uploads})
        assert in_child(children.one_night, settings, an_hour_earlier).code == 0
        found = _without_moments(settings)
        told = tell(settings)
        assert told.readers["store"] == second_night.told.readers["store"]
        assert told.readers["site"] == second_night.told.readers["site"]
        with world.copied(tmp_path) as right:
            assert in_child(children.one_night, right, world.now).code == 0
            assert standing.differences(found, _without_moments(right)) == []


def _without_moments(settings: Settings) -> dict[str, Counter[tuple[Any, ...]]]:
    engine = store.create_engine(settings.database_url)
    try:
        return standing.contents(engine, with_moments=False)
    finally:
        engine.dispose()
