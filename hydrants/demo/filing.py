"""Which row goes into which file: the firms' monthly files, corrections, cumulative files."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hydrants.demo.inspections import FAILED, NOT_FOUND, OK
from hydrants.demo.world import Ints, stream

L72, L2008, WGS84 = "EPSG:31370", "EPSG:3812", "EPSG:4326"

_FORMATS = {
    "westlandia": (("xlsx", "csv"), (0.75, 0.25)),
    "interwest": (("csv", "gpkg", "geojson"), (0.5, 0.25, 0.25)),
}
_LARGE_SCALE = 5.0
_LARGE_FORMATS = {"westlandia": (0.3, 0.7), "interwest": (0.8, 0.1, 0.1)}
"""Workbooks take long to write and to read: in a large world most tables are CSV."""

_LAMBERT_2008_FILES, _CUMULATIVE_FILES, _CORRECTED = 0.04, 0.10, 0.013
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class File:
    """One upload and the habits of whoever made it.

    `suffix` is its format; `crs` that of its coordinates (a table's profile says Lambert 72 all the same).
    Habits by number: `header_style`, `revised_style`, `type_style`, `diameter_style`, see `wording`.
    """

    firm: str
    nis: str
    name: str
    suffix: str
    first_day: np.datetime64
    last_day: np.datetime64
    crs: str
    header_style: int
    revised_style: int
    type_style: int
    diameter_style: int
    has_text_ids: bool
    has_hidden_sheet: bool
    is_cumulative: bool = False

    @property
    def path(self) -> str:
        """Relative to the uploads."""
        return f"{self.firm}/{self.nis}/{self.name}"

    @property
    def is_phone(self) -> bool:
        """Made by the phone app, whose records have a uuid for a number."""
        return self.suffix in ("gpkg", "geojson")


def plan(rows: pd.DataFrame, scale: float, seed: int) -> list[File]:
    """Eight to twelve files for each firm and gemeente, together covering the year."""
    files: list[File] = []
    for firm, nis in sorted(set(zip(rows["firm"], rows["nis"], strict=True))):
        rng = stream(seed, "files", firm, nis)
        months = np.sort(rng.choice(np.arange(1, 12), size=int(rng.integers(7, 12)), replace=False))
        months = np.append(months, 12)
        first_day = np.datetime64("2019-01-01")
        previous: File | None = None
        for month in months:
            month_end = np.datetime64(f"2019-{month:02d}", "M") + np.timedelta64(1, "M")
            last_day = month_end.astype("datetime64[D]") - _DAY * (
                1 if month == 12 else int(rng.integers(1, 7))
            )
            file = _file(firm, nis, int(month), first_day, last_day, scale, rng)
            is_cumulative = firm == "westlandia" and bool(rng.random() < _CUMULATIVE_FILES)
            if previous is not None and is_cumulative and not previous.is_cumulative:
                # whoever adds to last month's file keeps its format and habits
                file = _like(previous, file)
            files.append(file)
            previous, first_day = file, last_day + _DAY
    return _some_in_lambert_2008(files, stream(seed, "lambert 2008 files"))


def _file(
    firm: str,
    nis: str,
    month: int,
    first: np.datetime64,
    last: np.datetime64,
    scale: float,
    rng: np.random.Generator,
) -> File:
    suffixes, usual = _FORMATS[firm]
    suffix = str(rng.choice(suffixes, p=_LARGE_FORMATS[firm] if scale > _LARGE_SCALE else usual))
    crs = {"gpkg": str(rng.choice([WGS84, L72])), "geojson": WGS84}.get(suffix, L72)
    styles = rng.integers(0, 3, size=4)
    return File(
        firm=firm,
        nis=nis,
        name=_name(firm, month, suffix),
        suffix=suffix,
        first_day=first,
        last_day=last,
        crs=crs,
        header_style=int(rng.random() < 0.3) if firm == "westlandia" else 0,
        revised_style=int(styles[1]),
        type_style=int(styles[2]),
        diameter_style=int(styles[3]),
        has_text_ids=bool(rng.random() < 0.2),
        has_hidden_sheet=suffix == "xlsx" and bool(rng.random() < 0.15),
    )


def _name(firm: str, month: int, suffix: str) -> str:
    if firm == "westlandia":
        return f"2019-{month:02d}_controle.{suffix}"
    return f"2019-{month:02d}_{'veldapp' if suffix != 'csv' else 'lijst'}.{suffix}"


def _like(previous: File, file: File) -> File:
    name = _name(file.firm, int(file.name[5:7]), previous.suffix)
    return replace(previous, name=name, first_day=file.first_day, last_day=file.last_day, is_cumulative=True)


def _some_in_lambert_2008(files: list[File], rng: np.random.Generator) -> list[File]:
    followed = {n - 1 for n, file in enumerate(files) if file.is_cumulative}
    tables = [n for n, f in enumerate(files) if not f.is_phone and not f.is_cumulative and n not in followed]
    chosen = set(rng.permutation(tables)[: max(1, round(_LAMBERT_2008_FILES * len(files)))].tolist())
    return [replace(file, crs=L2008) if n in chosen else file for n, file in enumerate(files)]


def file_of(rows: pd.DataFrame, files: list[File]) -> Ints:
    """The file, by its place in the list, that covers the day of each row."""
    result = np.full(len(rows), -1)
    day = rows["day"].to_numpy().astype("datetime64[D]")
    batch = (rows["firm"] + "/" + rows["nis"]).to_numpy()
    for number, file in enumerate(files):
        result[(batch == f"{file.firm}/{file.nis}") & (day >= file.first_day) & (day <= file.last_day)] = (
            number
        )
    return result


def number_records(rows: pd.DataFrame, files: list[File], seed: int) -> pd.DataFrame:
    """Add ref_number (counts up per batch over the year) and revised_at (the evening of the visit)."""
    rng = stream(seed, "records")
    order = rows.sort_values(["firm", "nis", "day", "place"], kind="stable").index
    rows = rows.loc[order].reset_index(drop=True)
    rows["ref_number"] = rows.groupby(["firm", "nis"]).cumcount() + 1
    minutes = rng.integers(15 * 60, 20 * 60, size=len(rows))
    rows["revised_at"] = rows["day"].astype("datetime64[s]") + pd.to_timedelta(minutes, unit="min")
    is_phone = np.array([file.is_phone for file in files])
    rows["is_phone"] = is_phone[rows["file"]]
    return rows


def add_corrections(rows: pd.DataFrame, files: list[File], numbers: Ints, seed: int) -> pd.DataFrame:
    """Some rows were wrong at first: a later file says it right under the same record number.

    Only hydrants with a single visit are concerned; the corrected version says what really happened.

    Args:
        numbers: the number of every registered hydrant (0: none).

    Returns:
        The rows, some with another outcome than the truth, and a corrected version of each of those.
    """
    rng = stream(seed, "corrections")
    following = _following(files)
    times = rows.groupby("hydrant")["hydrant"].transform("size")
    may = (
        (rows["hydrant"] >= 0)
        & (times == 1)
        & (rows["why"] == "")
        & rows["outcome"].isin([OK, FAILED, NOT_FOUND])
    )
    may &= ~rows["is_anchor"] & (following[rows["file"]] >= 0)
    chosen = rng.permutation(np.flatnonzero(may))[: round(_CORRECTED * len(rows))]
    chosen.sort()
    corrected = rows.iloc[chosen].copy()
    corrected["file"] = following[corrected["file"]]
    number = numbers[corrected["hydrant"]]
    corrected["number"] = np.where(corrected["firm"] == "westlandia", number, corrected["number"])
    since = np.array([files[n].first_day for n in corrected["file"]])
    days = rng.integers(
        0,
        np.array([int((files[n].last_day - files[n].first_day).astype(int)) for n in corrected["file"]]) + 1,
    )
    corrected["revised_at"] = (since + days).astype("datetime64[s]") + pd.to_timedelta(
        rng.integers(8 * 60, 14 * 60, size=len(chosen)), unit="min"
    )
    corrected["remark"] = "verbeterde versie"
    wrong = rows["outcome"].to_numpy(copy=True)
    is_wrong = rng.random(len(chosen)) < 0.6
    wrong[chosen[is_wrong]] = np.where(wrong[chosen[is_wrong]] == OK, FAILED, OK)
    rows = rows.assign(outcome=wrong)
    return pd.concat([rows, corrected], ignore_index=True)


def _following(files: list[File]) -> Ints:
    """The next file of the same firm and gemeente that numbers its records alike; -1 where none follows."""
    result = np.full(len(files), -1)
    latest: dict[tuple[str, str, bool], int] = {}
    for number in range(len(files) - 1, -1, -1):
        file = files[number]
        key = (file.firm, file.nis, file.is_phone)
        result[number] = latest.get(key, -1)
        latest[key] = number
    return result


def add_repeats(rows: pd.DataFrame, files: list[File]) -> pd.DataFrame:
    """Cumulative files: the rows of the file before once more, word for word.

    Returns:
        The rows and the repeats; a column source tells which row of the result each repeats, or is.
    """
    rows = rows.assign(source=np.arange(len(rows)))
    repeats = []
    for number, file in enumerate(files):
        if file.is_cumulative:
            before = rows[(rows["file"] == number - 1) & (rows["hydrant"] >= 0)]
            repeats.append(before.assign(file=number, why="duplicate"))
    return pd.concat([rows, *repeats], ignore_index=True)


def resent(files: list[File], written: list[int], seed: int) -> list[int]:
    """Files that are sent a second time under another name."""
    rng = stream(seed, "resent")
    result: list[int] = []
    for firm in _FORMATS:
        mine = [number for number in written if files[number].firm == firm]
        result += sorted(rng.permutation(mine)[: max(1, round(0.03 * len(mine)))].tolist()) if mine else []
    return result
