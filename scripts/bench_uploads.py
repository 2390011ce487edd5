"""Rows per second of reading and validating an upload, beside pandas on the same file in the same run.

pandas only reads: it does not isolate the reader, keep each row, parse by a profile or write a ledger. It is
what most pipelines do with such a file, and so the yardstick. Every measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

CONTRACTOR, NIS = "interwest", "38025"
HEADINGS = (
    *("Volgnummer", "Kenmerk", "Datum controle", "Adres", "Gemeente", "Postcode", "X-coördinaat"),
    *("Y-coördinaat", "Soort", "DN", "Status", "Vaststelling", "Herkeuring", "Laatst gewijzigd", "Opmerking"),
)


def main() -> None:
    """Write the files, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the CSV file")
    parser.add_argument("--xlsx-rows", type=int, default=100_000, help="of the XLSX file")
    parser.add_argument("--repeat", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--measure", choices=sorted(MEASURES), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        sys.stdout.write(json.dumps(MEASURES[asked.measure](asked.file)))
        return
    with tempfile.TemporaryDirectory(prefix="hydrants-bench-") as name:
        files = {"csv": Path(name) / "upload.csv", "xlsx": Path(name) / "upload.xlsx"}
        write_csv(files["csv"], asked.rows)
        write_xlsx(files["xlsx"], asked.xlsx_rows)
        for kind, rows in (("csv", asked.rows), ("xlsx", asked.xlsx_rows)):
            Console().print(_table(kind, files[kind], rows, asked.repeat))


def _table(kind: str, file: Path, rows: int, repeat: int) -> Table:
    table = Table(title=f"{kind.upper()}, {rows:,} rows, {file.stat().st_size / 1e6:.0f} MB", box=None)
    for column in ("what", "seconds", "rows/s", "times pandas", "peak MB", "peak MB of the reader"):
        table.add_column(column, justify="left" if column == "what" else "right")
    pandas = _fastest("pandas", file, repeat)
    ours = _fastest("stages", file, repeat)
    lines = {"pandas reads": pandas["read"], "read, in a process apart": ours["read"]}
    lines |= {"validate": ours["validate"], "read + validate + ledger": ours["read"] + ours["validate"]}
    for what, seconds in lines.items():
        peaks = (pandas["peak_mb"], 0.0) if what == "pandas reads" else (ours["peak_mb"], ours["child_mb"])
        figures = [f"{seconds:.2f}", f"{rows / seconds:,.0f}", f"{seconds / pandas['read']:.1f}"]
        table.add_row(what, *figures, *(f"{peak:.0f}" if peak else "" for peak in peaks))
    return table


def _fastest(measure: str, file: Path, repeat: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", measure, "--file", str(file)]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603
        for _ in range(repeat)
    ]
    return {key: min(run[key] for run in runs) for key in runs[0]}


def measure_pandas(file: Path) -> dict[str, float]:
    """Seconds that pandas takes to read the file as text, and the memory it took at most."""
    import pandas as pd

    started = time.perf_counter()
    if file.suffix == ".csv":
        frame = pd.read_csv(file, sep=";", dtype=str, encoding="cp1252")
    else:
        frame = pd.read_excel(file, dtype=str)
    read = time.perf_counter() - started
    assert len(frame.columns) == len(HEADINGS), frame.columns  # noqa: S101
    return {"read": read, "peak_mb": _peak_mb(resource.RUSAGE_SELF)}


def measure_stages(file: Path) -> dict[str, float]:
    """Seconds of reading and of validation on a new SQLite store, and memory of both processes."""
    from hydrants import landing, reading, reference, store, validation
    from hydrants.settings import Settings

    with tempfile.TemporaryDirectory(prefix="hydrants-bench-", dir=file.parent) as name:
        directory = Path(name)
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            database_url=f"sqlite:///{directory / 'hydrants.sqlite'}",
            uploads=directory / "uploads",
            landing=directory / "landing",
            photos=directory / "photos",
            campaign_start=date(2019, 1, 1),
            campaign_end=date(2019, 12, 31),
            upload_stable_s=0,
        )
        folder = settings.uploads / CONTRACTOR / NIS
        folder.mkdir(parents=True)
        (folder / file.name).hardlink_to(file)
        engine = store.create_engine(settings.database_url)
        store.migrate(engine)
        with store.write(engine) as connection:
            reference.sync(connection)
        landing.run(engine, settings, CONTRACTOR, NIS)
        seconds = {}
        for stage, run in (("read", reading.run), ("validate", validation.run)):
            started = time.perf_counter()
            counts = run(engine, settings, CONTRACTOR, NIS)
            seconds[stage] = time.perf_counter() - started
        assert counts["accepted"] and not counts["quarantined"], counts  # noqa: S101
        engine.dispose()
    return {
        **seconds,
        "peak_mb": _peak_mb(resource.RUSAGE_SELF),
        "child_mb": _peak_mb(resource.RUSAGE_CHILDREN),
    }


def _peak_mb(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def inspection(number: int) -> tuple[str, ...]:
    """A made-up inspection in the firm's habit."""
    day = f"{1 + number % 28:02d}/{1 + number % 12:02d}/2019"
    is_ok = number % 4 > 0
    return (
        *(f"V{number}", str(700_000 + number), day, f"Dorpsstraat {number % 400}", "Veurne", "8630"),
        f"{30_000 + number % 20_000},{number % 10}",
        f"{190_000 + number % 9_999},{number % 10}",
        *("OH" if number % 3 else "BH", "80" if number % 2 else "100"),
        *("goedgekeurd" if is_ok else "afgekeurd", "" if is_ok else "lek", "nee"),
        *(f"{day} {8 + number % 9:02d}:{number % 60:02d}", ""),
    )


def write_csv(path: Path, rows: int) -> None:
    """Write `rows` inspections as the firm's CSV: cp1252, ";", decimal commas."""
    with path.open("w", encoding="cp1252", newline="\r\n") as file:
        file.write(";".join(HEADINGS) + "\n")
        file.writelines(";".join(inspection(number)) + "\n" for number in range(rows))


def write_xlsx(path: Path, rows: int) -> None:
    """Write `rows` inspections as a workbook of texts."""
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Controle")
        sheet.write_row(0, 0, HEADINGS)
        for number in range(rows):
            sheet.write_row(number + 1, 0, inspection(number))


MEASURES: dict[str, Callable[[Path], dict[str, float]]] = {
    "pandas": measure_pandas,
    "stages": measure_stages,
}

if __name__ == "__main__":
    main()
