"""The table of bad inputs for the documents: what is sent, what becomes of it, what its sender reads.

`.venv/bin/python -m tests.bad_inputs.page` works every case through and writes it anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from hydrants import reference, store
from hydrants.settings import Settings
from tests.bad_inputs import CASES, world
from tests.bad_inputs.case import Case, Expected, Published, Read, Refused, Same
from tests.bad_inputs.work import Found, found, night, send_all, settings_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bad-inputs.md"
COMMAND = ".venv/bin/python -m tests.bad_inputs.page"

_MOST_CHARACTERS = 300
HEAD = f"""# Bad inputs

What can be wrong with a file, what becomes of it, and what its sender reads. Each line is a file that
`tests/bad_inputs/` makes and `tests/test_bad_inputs.py` sends, beside a sound one, through the night on both
stores. This page is made by `{COMMAND}`; the tests fail when it is out of date.

Refused: the whole file is left out. Quarantined: the row is left out. Accepted rows count; of some the sender
is told something. Sound rows stand in most of these files too, and are always accepted.

| # | What is sent | What becomes of it | What the sender reads |
|---|---|---|---|
"""

TAIL = """
## What no list foresees

- `make fuzz` damages sound files of every format in thousands of ways (bytes, tokens, parts of zips, records,
  tables), sends them through the night, and prints what became of them: each is refused with a reason in
  Dutch, or every row of it ends in one place; no process hangs, none is left behind. `make test` does so with
  some hundreds.
- `tests/test_any_order.py` lets an office upload, send again, rename, correct and withdraw in any order,
  while nights are killed at any statement; a model that knows no SQL says what every row has to come to.
"""


def lines(case: Case, received: Mapping[str, Found]) -> Iterator[str]:
    """The lines of a case, one per file."""
    for name, expected in case.expects.items():
        which = f"{case.what} (`{name}`)" if len(case.files) > 1 else case.what
        found_file = received.get(case.path_of(name), Found(None, None))
        becomes = _becomes(expected, found_file)
        if case.published and name == list(case.expects)[-1]:
            becomes += (
                f"; published: {', '.join(sorted({_published(told) for told in case.published.values()}))}"
            )
        words = " / ".join(_cell(text) for text in dict.fromkeys(_messages(found_file)))
        yield f"| {case.number} | {_cell(which)} | {_cell(becomes)} | {words or '-'} |"


def _cell(text: str) -> str:
    """A text that a table of Markdown shows as it is."""
    shown = "".join(
        sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in " ".join(text.split(" "))
    )
    cut = shown if len(shown) <= _MOST_CHARACTERS else shown[:_MOST_CHARACTERS] + "…"
    return cut.replace("|", "\\|").replace("<", "&lt;")


def _becomes(expected: Expected, found_file: Found) -> str:
    if isinstance(expected, Refused):
        return "refused"
    if isinstance(expected, Same):
        return f"the same content as `{expected.name}`: nothing new"
    counts = [
        f"{count} {name}" for name, count in sorted(found_file.dispositions.items()) if name != "heading"
    ]
    for is_quarantined in (True, False):
        codes = {code for codes in found_file.codes(is_quarantined).values() for code in codes}
        counts += [f"`{code}`" for code in sorted(codes)]
    return "; ".join([*(counts or ["0 accepted"]), *_seen(expected)])


def _published(told: Published) -> str:
    return f"{told.status}, contradicted" if told.is_conflict else told.status


def _seen(expected: Read) -> Iterator[str]:
    """What the case says of records, in words, each once."""
    yield from sorted({words for columns in expected.records.values() for words in _plain(columns)})


def _plain(columns: Mapping[str, object]) -> Iterator[str]:
    for name, value in columns.items():
        match name, value:
            case "verdict" | "nis" | "hydrant_ref", str():
                yield f"{name} `{value}`"
            case "corrections", list():
                yield f"corrected: {', '.join(map(str, value))}"
            case "inspected_on", date():
                yield f"day {value}"
            case "remark", str():
                yield "remark kept to the letter"
            case "waits", True:
                yield "handed out for a decision"
            case "is_superseded" | "is_other_contractor" | "is_outside_gemeente" | "is_withdrawn", True:
                yield f"`{name}`"


def _messages(found_file: Found) -> Iterator[str]:
    if found_file.refused:
        yield found_file.refused
    seen: set[str] = set()
    for reasons in found_file.reasons.values():
        for reason in reasons:
            if reason["code"] not in seen:
                seen.add(reason["code"])
                yield reason["message"]
    yield from found_file.notices


def main() -> None:
    """Write the page."""
    text = HEAD
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            text += "".join(f"{line}\n" for line in lines(case, _worked_through(case, Path(folder))))
    PAGE.write_text(text + TAIL, encoding="utf-8")


def _worked_through(case: Case, folder: Path) -> dict[str, Found]:
    """What became of a case's files, on an SQLite store of its own."""
    settings = Settings(
        _env_file=None,
        database_url=f"sqlite:///{folder}/hydrants.sqlite",
        **{name: folder / name for name in ("uploads", "registers", "landing", "photos", "site")},
        boundaries=folder / "boundaries.geojson",
        addresses=folder / "addresses.csv",
        campaign_start=date(2019, 1, 1),
        campaign_end=date(2019, 12, 31),
        upload_stable_s=0,
    )
    engine = store.create_engine(settings.database_url)
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    if case.is_placed:
        world.make(engine, settings)
    settings = settings_of(case, settings, folder)
    send_all(settings, case)
    night(engine, settings, case)
    result = found(engine, settings, case)
    engine.dispose()
    return result


if __name__ == "__main__":
    main()
