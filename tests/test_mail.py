"""The mails that the receipts of a night go out by: to whom, with what, and once."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from hydrants import landing, night, reading, store, validation
from hydrants.receipts import mail
from hydrants.receipts.mail import Mail
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import BATCH, as_csv, good, send
from tests.receipt_world import answered, path_of

OFFICE = "office@example.org"
ZUID = ("interwest", "38014")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings in which Westlandia has an address, and Interwest two."""
    to = {"westlandia": [OFFICE], "interwest": ["a@example.org", "b@example.org"]}
    return settings.model_copy(update={"receipt_mail": to})


def composed(engine: sa.Engine, settings: Settings) -> dict[str, Mail]:
    return {letter.contractor: letter for letter in night.mails(engine, settings)}


def test_each_firm_gets_one_mail_with_its_receipts(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "b.csv", as_csv([good(2), good(3, Resultaat="huh")]))
    send(settings, "leeg.csv", b"")
    send(settings, "c.csv", as_csv([good(4)]), ("westlandia", "33029"))
    answered(engine, settings)
    answered(engine, settings, ("westlandia", "33029"))
    send(settings, "kapot.csv", bytes(range(256)), ZUID)
    send(settings, "leeg ook.csv", b"Kenmerk", ZUID)
    answered(engine, settings, ZUID)

    letters = composed(engine, settings)
    assert list(letters) == ["interwest", "westlandia"]
    letter = letters["westlandia"]
    assert letter.to == [OFFICE]
    assert letter.subject == "Brandkranen: 4 ontvangstbewijzen, 1 rij te verbeteren"
    assert sorted(letter.files) == sorted(
        path_of(engine, settings, name) for name in ("a.csv", "b.csv", "leeg.csv", "c.csv")
    )
    rows = [line for line in letter.html.splitlines() if line.startswith("<tr><td>")]
    assert len(rows) == 4
    assert "<td>b.csv</td><td>Poperinge</td>" in rows[0]  # what asks for work comes first
    assert "te verbeteren" in rows[0]
    assert "<td>c.csv</td><td>Wervik</td>" in letter.html
    assert "bestand geweigerd:</b> Het bestand is leeg" in letter.html
    assert letters["interwest"].to == ["a@example.org", "b@example.org"]
    assert "a.csv" not in letters["interwest"].html


def test_what_was_sent_is_not_sent_again_until_it_changes(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "b.csv", as_csv([good(1), good(2)]))
    answered(engine, settings)
    (letter,) = night.mails(engine, settings)
    assert "U hoeft niets te doen" in letter.html
    assert len(night.mails(engine, settings)) == 1  # not sent is not forgotten
    night.mailed(engine, letter)
    assert night.mails(engine, settings) == []

    path_of(engine, settings, "b.csv").unlink()
    answered(engine, settings)  # written again, and says the same
    assert path_of(engine, settings, "b.csv").is_file()
    assert night.mails(engine, settings) == []

    send(settings, "a.csv", as_csv([good(1)]))  # the first by name: now b.csv repeats it
    answered(engine, settings)
    (letter,) = night.mails(engine, settings)
    assert letter.subject == "Brandkranen: 2 ontvangstbewijzen"


def test_a_receipt_that_changed_since_the_mail_was_composed_goes_again(
    engine: sa.Engine, settings: Settings
) -> None:
    send(settings, "b.csv", as_csv([good(1), good(2)]))
    answered(engine, settings)
    (letter,) = night.mails(engine, settings)
    send(settings, "a.csv", as_csv([good(1)]))
    answered(engine, settings)
    night.mailed(engine, letter)
    (later,) = night.mails(engine, settings)
    assert len(later.upload_ids) == 2


def test_nobody_gets_what_nobody_asked_for(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    answered(engine, settings)
    for to in ({}, {"interwest": [OFFICE]}, {"onbekend": [OFFICE]}):
        assert night.mails(engine, settings.model_copy(update={"receipt_mail": to})) == []


def test_a_receipt_without_its_file_waits(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    answered(engine, settings)
    path_of(engine, settings, "a.csv").unlink()
    assert night.mails(engine, settings) == []
    answered(engine, settings)
    assert len(night.mails(engine, settings)) == 1


def test_a_receipt_of_one_firm_never_goes_to_another(engine: sa.Engine, settings: Settings) -> None:
    path = send(settings, "a.csv", as_csv([good(1)]))
    answered(engine, settings)
    moved = settings.uploads.joinpath(*ZUID, "a.csv")
    moved.parent.mkdir(parents=True)
    path.rename(moved)  # it had come into the wrong folder
    landing.run(engine, settings, *BATCH)
    landing.run(engine, settings, *ZUID)
    assert night.mails(engine, settings) == [], "its receipt still lies with, and speaks of, the first firm"
    answered(engine, settings, ZUID)
    assert [letter.contractor for letter in night.mails(engine, settings)] == ["interwest"]


def test_receipts_that_cannot_be_written_hold_nothing_back(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    for stage in (landing, reading, validation):
        stage.run(engine, settings, *BATCH)
    settings.site.mkdir()
    (settings.site / "private").write_text("no folder")
    assert night.BATCH_STAGES["answer"](engine, settings, *BATCH) == {"batches_unanswered": 1}
    (settings.site / "private").unlink()
    assert night.BATCH_STAGES["answer"](engine, settings, *BATCH)["receipts_written"] == 1


@pytest.mark.parametrize("limit", ["MAX_ATTACHED_BYTES", "MAX_ATTACHED_FILES"])
def test_too_much_to_attach_is_told_where_it_lies(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(mail, limit, 1)
    send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "b.csv", as_csv([good(2)]))
    answered(engine, settings)
    (letter,) = night.mails(engine, settings)
    assert letter.files == []
    for name in ("a.csv", "b.csv"):
        assert str(path_of(engine, settings, name).relative_to(settings.site)) in letter.html
    assert "te groot" in letter.html


def test_names_of_files_are_text(engine: sa.Engine, settings: Settings) -> None:
    hostile = "<img src=x onerror=alert(1)>{{ 7 * 7 }}\r\nBcc: x@example.org.csv"
    send(settings, hostile, as_csv([good(1)]))
    answered(engine, settings)
    (letter,) = night.mails(engine, settings)
    assert "<img" not in letter.html
    assert "&lt;img src=x onerror=alert(1)&gt;{{ 7 * 7 }}" in letter.html
    assert "\n" not in letter.subject
    assert all(path.name.isascii() and " " not in path.name for path in map(Path, letter.files))


def test_mailing_is_remembered_in_utc(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    answered(engine, settings)
    (letter,) = night.mails(engine, settings)
    night.mailed(engine, letter)
    with store.read(engine) as connection:
        row = connection.execute(sa.select(tables.receipt)).one()
    assert (
        row.mailed_at.replace(tzinfo=None)
        == letter.composed_at.replace(tzinfo=None)
        > row.written_at.replace(tzinfo=None)
    )


# -- the setting -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("{}", {}),
        ('{"westlandia": []}', {}),
        ('{"westlandia": "a@example.org"}', {"westlandia": ["a@example.org"]}),
        (
            '{"westlandia": "a@example.org; b@example.org"}',
            {"westlandia": ["a@example.org", "b@example.org"]},
        ),
        (
            '{"westlandia": ["a@example.org"], "interwest": ["b@example.org"]}',
            {"westlandia": ["a@example.org"], "interwest": ["b@example.org"]},
        ),
    ],
)
def test_addresses_come_from_the_environment(
    text: str, expected: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRANTS_RECEIPT_MAIL", text)
    assert Settings(_env_file=None).receipt_mail == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("westlandia=a@example.org", "no JSON"),
        ('["a@example.org"]', "no object"),
        ('{"westlandia": ["nobody"]}', "no mail addresses: westlandia: 'nobody'"),
        ('{"westlandia": ["a@example.org\\nBcc: b@example.org"]}', "no mail addresses"),
        ('{"westlandia": ["\\u00e9@example.org"]}', "no mail addresses"),
        ('{"westlandia": 5}', "valid list"),
    ],
)
def test_what_is_no_address_is_said(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRANTS_RECEIPT_MAIL", text)
    with pytest.raises(ValidationError, match="receipt_mail") as error:
        Settings(_env_file=None)
    assert said in str(error.value)
