"""The folder of a gemeente: what is as it was is taken over from the snapshot before, and nothing else."""

from __future__ import annotations

import itertools
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyogrio
import pytest
import sqlalchemy as sa

from hydrants import publishing, reference, store
from hydrants.settings import Settings
from hydrants.store import tables
from tests.judged_world import World, square_gemeenten

POPERINGE, IEPER = "33021", "33011"
MAY, LAST = date(2019, 5, 1), date(2019, 12, 31)
PHOTO = "1" * 64
WRITTEN_EACH_TIME = {"index.html", "hydrant.html"}


@pytest.fixture
def first(engine: sa.Engine, settings: Settings) -> Path:
    """The folder of a snapshot with hydrants in two gemeenten, and a picture."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()))
    picture = settings.photos / PHOTO[:2] / PHOTO
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\xff\xd8 verzonnen")
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        for upload_id, sha256, nis in ((1, "a", POPERINGE), (2, "b", IEPER)):
            world.upload(upload_id, sha256, nis)
            world.hydrant(f"DWG-{upload_id}", nis, x=30_500.0 + upload_id)
        world.photo(2, "kraan.jpg", PHOTO)
        world.row("DWG-1", "failed", MAY, defects=["leak", "paint"])
        world.row("DWG-2", "failed", MAY, upload_id=2, defects=["no_water"], photos=["kraan.jpg"])
    return published(engine, settings)


def published(engine: sa.Engine, settings: Settings, day: date = LAST) -> Path:
    """Publish, whatever was published before; the snapshot's folder."""
    with store.write(engine) as connection:
        connection.execute(sa.delete(tables.stage_state))
    number = publishing.run(engine, settings, day)["snapshot_id"]
    return settings.site / "snapshots" / str(number)


def remark(engine: sa.Engine, text: str) -> None:
    """Change what is said in Poperinge."""
    with store.write(engine) as connection:
        connection.execute(sa.update(tables.record).where(tables.record.c.upload_id == 1).values(remark=text))


def shared(one: Path, other: Path) -> set[str]:
    """The files of a folder that are the same in the other: not equal ones, but one with two names."""
    return {
        path.relative_to(other).as_posix()
        for path in other.rglob("*")
        if path.is_file()
        and (one / path.relative_to(other)).exists()
        and path.samefile(one / path.relative_to(other))
    }


def everything(folder: Path) -> dict[str, bytes]:
    """Each file of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_what_is_as_it_was_is_one_file_with_two_names(
    engine: sa.Engine, settings: Settings, first: Path
) -> None:
    remark(engine, "lekt nog")
    second = published(engine, settings)
    assert second != first
    names = {path.name for path in (second / IEPER).rglob("*") if path.is_file()}
    assert names > WRITTEN_EACH_TIME | {f"{IEPER}.xlsx", "history-0.js", "hydrants.js", f"{PHOTO}.jpg"}
    assert shared(first / IEPER, second / IEPER) == {
        f"photos/{name}" if name == f"{PHOTO}.jpg" else name for name in names - WRITTEN_EACH_TIME
    }
    assert shared(first / POPERINGE, second / POPERINGE) == set()
    assert "lekt nog" in (second / POPERINGE / "history-0.js").read_text(encoding="ascii")


def test_taken_over_or_made_anew_is_the_same(engine: sa.Engine, settings: Settings, first: Path) -> None:
    """To the byte; the third snapshot takes over what the second took over."""
    for text in ("lekt nog", "lekt niet meer"):
        remark(engine, text)
        folder = published(engine, settings)
    assert shared(first / IEPER, folder / IEPER) > {f"{IEPER}.gpkg"}
    before = everything(folder)
    shutil.rmtree(settings.site)
    assert published(engine, settings) == folder
    assert everything(folder) == before
    assert len(before) > 100


def _damage(folder: Path) -> None:
    path = folder / IEPER / f"{IEPER}.csv"
    content = path.read_bytes()
    path.unlink()  # the other names of the file keep theirs
    path.write_bytes(content[:-1])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a file is shorter": _damage,
    "a file is gone": lambda folder: (folder / IEPER / f"{IEPER}.xlsx").unlink(),
    "nothing tells what it was made from": lambda folder: (folder / "made_from" / f"{IEPER}.json").unlink(),
    "what tells what it was made from is cut off": lambda folder: (
        folder / "made_from" / f"{IEPER}.json"
    ).write_bytes(b'{"made_from": "'),
    "the whole folder is gone": lambda folder: shutil.rmtree(folder / IEPER),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_was_damaged_is_made_anew(engine: sa.Engine, settings: Settings, first: Path, what: str) -> None:
    whole = everything(first / IEPER)
    DAMAGES[what](first)
    remark(engine, "lekt nog")
    second = published(engine, settings)
    assert shared(first / IEPER, second / IEPER) <= {f"photos/{PHOTO}.jpg"}
    assert {
        name: said for name, said in everything(second / IEPER).items() if name not in WRITTEN_EACH_TIME
    } == {name: said for name, said in whole.items() if name not in WRITTEN_EACH_TIME}


def said(folder: Path, nis: str) -> set[str]:
    """The day that a gemeente's files say they are of."""
    with zipfile.ZipFile(folder / nis / f"{nis}.xlsx") as workbook:
        texts = "".join(workbook.read(name).decode() for name in workbook.namelist())
    texts += "".join(path.read_text(encoding="utf-8") for path in (folder / nis).glob("*.g[ep][ox]*"))
    layers = pyogrio.read_info(folder / nis / f"{nis}.gpkg", layer="brandkranen")
    return set(re.findall(r"[Gg]egevens van (\d+ \w+ \d+)", texts + layers["layer_metadata"]["DESCRIPTION"]))


DAYS = tuple(date(2019, 12, day) for day in (5, 6, 7))
NOTHING_NEW = "sindsdien is er in {} niets veranderd"


def test_on_another_day_what_is_as_it_was_keeps_its_files_and_their_day(
    engine: sa.Engine, settings: Settings, first: Path
) -> None:
    """Each page says which day that is, and that nothing changed since; a day on which it did begins anew."""
    folders = [published(engine, settings, DAYS[0])]
    remark(engine, "lekt nog")
    folders.append(published(engine, settings, DAYS[1]))
    folders.append(published(engine, settings, DAYS[2]))
    assert [said(folder, IEPER) for folder in folders] == [{"5 december 2019"}] * 3
    assert [said(folder, POPERINGE) for folder in folders] == [
        {"5 december 2019"},
        {"6 december 2019"},
        {"6 december 2019"},
    ]
    for one, other in itertools.pairwise(folders):
        assert shared(one / IEPER, other / IEPER) > {f"{IEPER}.gpkg", "history-0.js", "hydrants.js"}
    for nis, name, since in ((IEPER, "Ieper", 0), (POPERINGE, "Poperinge", 1)):
        pages = [(folder / nis / "index.html").read_text(encoding="utf-8") for folder in folders]
        assert [NOTHING_NEW.format(name) in page for page in pages] == [
            day > DAYS[since] and day != DAYS[0] for day in DAYS
        ]
        assert f"{since + 5} december 2019" in pages[2].split('id="bestanden"')[1]
        assert all(
            "gegevens van <time" in page and f"{day.day} december" in page
            for page, day in zip(pages, DAYS, strict=True)
        )


def test_the_store_knows_the_day_of_the_files(engine: sa.Engine, settings: Settings, first: Path) -> None:
    """A site that is made anew from it is the same to the byte, also where a file is of an earlier day."""
    published(engine, settings, DAYS[0])
    folder = published(engine, settings, DAYS[1])
    before = everything(folder)
    assert said(folder, IEPER) == {"5 december 2019"}
    shutil.rmtree(settings.site)
    assert published(engine, settings, DAYS[1]) == folder
    assert everything(folder) == before


def test_files_of_a_later_day_are_no_files_of_an_earlier_one(
    engine: sa.Engine, settings: Settings, first: Path
) -> None:
    second = published(engine, settings, DAYS[0])
    assert said(first, IEPER) == {"31 december 2019"}
    assert said(second, IEPER) == {"5 december 2019"}
    assert shared(first / IEPER, second / IEPER) == {f"photos/{PHOTO}.jpg"}


def test_in_another_campaign_nothing_is_as_it_was(engine: sa.Engine, settings: Settings, first: Path) -> None:
    """Also where all that is told of the hydrants is the same."""
    second = published(
        engine, settings.model_copy(update={"campaign_end": date(2020, 12, 31)}), date(2020, 1, 2)
    )
    assert (said(first, IEPER), said(second, IEPER)) == ({"31 december 2019"}, {"2 januari 2020"})


def test_a_snapshot_of_before_the_days_were_known_is_of_its_own(
    engine: sa.Engine, settings: Settings, first: Path
) -> None:
    """As an upgrade finds it: its site is made anew from it, and says its day."""
    with store.write(engine) as connection:
        connection.execute(sa.update(tables.publication).values(told=sa.null()))
    shutil.rmtree(settings.site)
    assert published(engine, settings) == first
    assert said(first, IEPER) == {"31 december 2019"}
    remark(engine, "lekt nog")
    assert shared(first / IEPER, published(engine, settings) / IEPER) == {f"photos/{PHOTO}.jpg"}


def test_a_picture_that_was_lost_comes_back(engine: sa.Engine, settings: Settings, first: Path) -> None:
    """Also into a folder that is taken over."""
    (first / IEPER / "photos" / f"{PHOTO}.jpg").unlink()
    remark(engine, "lekt nog")
    second = published(engine, settings)
    assert f"{IEPER}.gpkg" in shared(first / IEPER, second / IEPER)
    assert (second / IEPER / "photos" / f"{PHOTO}.jpg").is_file()


def test_what_is_to_be_mended_is_told_of_a_folder_that_is_taken_over(
    engine: sa.Engine, settings: Settings, first: Path
) -> None:
    """All that differs between the two pages is the snapshot's number."""
    remark(engine, "lekt nog")
    second = published(engine, settings)
    pages = [(folder / IEPER / "index.html").read_text(encoding="utf-8") for folder in (first, second)]
    assert "geen water" in pages[1]
    lines = [page.splitlines() for page in pages]
    differing = [(one, other) for one, other in zip(*lines, strict=True) if one != other]
    assert differing
    assert all(one.replace("1", "2") == other.replace("1", "2") for one, other in differing)
