"""Files that are held until a person has looked, and the list of what was received."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.errors import UnusableSetting
from hydrants.receipts import uploads
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import BATCH, as_csv, good, send
from tests.receipt_world import answered, document_of, lines_of, summary_of, workbook_of

SHIFTED = as_csv([*(good(number, Resultaat=f"xx{number}") for number in range(1, 30)), good(99)])
"""29 rows of 30 are refused: most likely a column slipped."""
OTHER_SHIFTED = SHIFTED.replace(b"xx", b"yy")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def listed(engine: sa.Engine) -> list[dict[str, object]]:
    with store.read(engine) as connection:
        return uploads.listed(connection)


def held(engine: sa.Engine) -> list[dict[str, object]]:
    with store.read(engine) as connection:
        return uploads.held(connection)


def test_the_sender_of_a_held_file_is_told(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "verschoven.csv", SHIFTED)
    answered(engine, settings)

    book = workbook_of(engine, settings, "verschoven.csv")
    said = summary_of(book)
    assert said["Het bestand wordt nagekeken"].startswith("Er telt voorlopig geen enkele rij mee.")
    assert "bovenaan op het blad 'Controles'" in said["Het bestand wordt nagekeken"]
    assert (said["geweigerd"], said["wordt nagekeken"], said["ontvangen"]) == (29, 1, 30)
    last = lines_of(book, "Controles")[-1]
    assert (last.own["Fiche"], last.status) == ("W-33021-00099", "wordt nagekeken")
    document = document_of(engine, settings, "verschoven.csv")
    assert document["status"] == "held"
    assert document["held_because"] in said["Het bestand wordt nagekeken"]
    assert (document["counts"]["refused"], document["counts"]["held"]) == (29, 1)
    page = (settings.site / "private" / "westlandia" / "index.html").read_text(encoding="utf-8")
    assert "wordt nagekeken" in page


def test_a_released_file_counts_from_the_next_night_on(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "verschoven.csv", SHIFTED)
    send(settings, "goed.csv", as_csv([good(100)]))
    answered(engine, settings)
    (line,) = held(engine)
    assert (line["file_name"], line["refused_share"]) == ("verschoven.csv", pytest.approx(29 / 30))
    assert "29 van de 30" in str(line["reason"])

    released, is_new = uploads.let_through(engine, settings.landing, "verschoven.csv", note="gebeld, klopt")
    assert (released["status"], is_new) == ("released", True)
    assert held(engine) == []
    with store.read(engine) as connection:
        kept = connection.execute(sa.select(tables.release)).mappings().all()
    assert [(row["sha256"], row["note"]) for row in kept] == [(sha256(SHIFTED), "gebeld, klopt")]
    assert uploads.let_through(engine, settings.landing, "verschoven.csv", note="nog eens")[1] is False
    with store.read(engine) as connection:
        assert connection.execute(sa.select(tables.release)).mappings().all() == kept

    counts = answered(engine, settings)
    assert (counts["receipts_written"], counts["receipts_changed"]) == (1, 1)
    document = document_of(engine, settings, "verschoven.csv")
    assert (document["status"], document["counts"]["accepted"], document["counts"]["held"]) == (
        "processed",
        1,
        0,
    )
    assert uploads.let_through(engine, settings.landing, "verschoven.csv")[1] is False


def test_release_asks_for_more_where_a_name_is_not_enough(engine: sa.Engine, settings: Settings) -> None:
    other = ("westlandia", "33029")
    send(settings, "lijst.csv", SHIFTED)
    send(settings, "lijst.csv", OTHER_SHIFTED, other)
    send(settings, "goed.csv", as_csv([good(100)]))
    answered(engine, settings)
    answered(engine, settings, other)

    with pytest.raises(UnusableSetting, match=r"no upload goes by 'weg\.csv'"):
        uploads.let_through(engine, settings.landing, "weg.csv")
    with pytest.raises(UnusableSetting, match="is not held: processed"):
        uploads.let_through(engine, settings.landing, "goed.csv")
    with pytest.raises(UnusableSetting, match=r"any of 2 uploads.*33029/lijst.*33021/lijst"):
        uploads.let_through(engine, settings.landing, "lijst.csv")
    with pytest.raises(UnusableSetting, match="no upload goes by"):
        uploads.let_through(engine, settings.landing, sha256(SHIFTED)[:5])
    assert len(held(engine)) == 2
    assert uploads.let_through(engine, settings.landing, "westlandia/33029/lijst.csv")[0]["nis"] == "33029"
    assert uploads.let_through(engine, settings.landing, sha256(SHIFTED)[:8].upper())[0]["nis"] == "33021"
    assert held(engine) == []


def test_of_two_files_by_one_name_the_held_one_is_meant(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "lijst.csv", as_csv([good(100)]), ("westlandia", "33029"))
    send(settings, "lijst.csv", SHIFTED)
    answered(engine, settings)
    answered(engine, settings, ("westlandia", "33029"))
    assert uploads.let_through(engine, settings.landing, "lijst.csv")[0]["sha256"] == sha256(SHIFTED)


def test_every_upload_is_listed(engine: sa.Engine, settings: Settings) -> None:
    from hydrants import landing

    send(settings, "a.csv", as_csv([good(1), good(1), good(2, Resultaat="huh")]))
    send(settings, "leeg.csv", b"")
    answered(engine, settings)
    send(settings, "nieuw.csv", as_csv([good(7)]))
    landing.run(engine, settings, *BATCH)

    lines = {line["file_name"]: line for line in listed(engine)}
    figures = ("status", "format", "received", "accepted", "duplicate", "refused", "held")
    assert {name: tuple(line[figure] for figure in figures) for name, line in lines.items()} == {
        "a.csv": ("processed", "csv", 3, 1, 1, 1, 0),
        "leeg.csv": ("refused", None, 0, 0, 0, 0, 0),
        "nieuw.csv": ("waiting", None, 0, 0, 0, 0, 0),
    }
    assert next(iter(lines)) == "nieuw.csv"
    assert "leeg" in str(lines["leeg.csv"]["reason"])
    assert (settings.site / f"{lines['a.csv']['receipt']}.xlsx").is_file()
    with store.read(engine) as connection:
        assert uploads.listed(connection, contractor="interwest") == []
        assert len(uploads.listed(connection, nis="33021")) == 3


# -- the commands ------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A store with a held file and a sound one, and the settings to find it by."""
    here = Settings(
        _env_file=None,
        database_url=f"sqlite:///{tmp_path}/hydrants.sqlite",
        uploads=tmp_path / "uploads",
        landing=tmp_path / "landing",
        photos=tmp_path / "photos",
        site=tmp_path / "site",
        upload_stable_s=0,
    )
    engine = store.create_engine(here.database_url)
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    send(here, "verschoven.csv", SHIFTED)
    send(here, "goed.csv", as_csv([good(100)]))
    answered(engine, here)
    engine.dispose()
    return tmp_path


def hydrants(world: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hydrants.cli", "uploads", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HYDRANTS_DATABASE_URL": f"sqlite:///{world}/hydrants.sqlite",
            "HYDRANTS_SITE": str(world / "site"),
        },
        cwd=world,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_operator_lists_and_releases(world: Path) -> None:
    (line,) = json.loads(hydrants(world, "held", "--json").stdout)
    assert line["file_name"] == "verschoven.csv"
    assert line["received_at"].endswith("+00:00")
    text = hydrants(world, "held").stdout
    assert text.count("\n") == 1
    assert "verschoven.csv" in text

    assert "is not held" in hydrants(world, "release", "goed.csv").stderr
    missing = hydrants(world, "release", "weg.csv")
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr
    done = hydrants(world, "release", "verschoven.csv", "--note", "klopt")
    assert done.returncode == 0, done.stderr
    assert "the next night" in done.stdout
    again = json.loads(hydrants(world, "release", "verschoven.csv", "--json").stdout)
    assert (again["is_new"], again["status"]) == (False, "released")
    nothing = hydrants(world, "held")
    assert (nothing.stdout, nothing.returncode) == ("", 0)
    assert "no file is held" in nothing.stderr

    lines = json.loads(hydrants(world, "list", "--json").stdout)
    assert {line["file_name"]: line["status"] for line in lines} == {
        "goed.csv": "processed",
        "verschoven.csv": "released",
    }
    assert len(hydrants(world, "list", "--contractor", "westlandia").stdout.splitlines()) == 2
    unknown = hydrants(world, "list", "--nis", "99999")
    assert unknown.returncode == 1
    assert "99999 is not known" in unknown.stderr
