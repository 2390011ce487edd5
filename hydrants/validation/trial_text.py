"""A dry run in words, for a terminal; whatever a cell holds is shown, and does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hydrants.validation.trial_report import MAX_COUNTED, CodeReport, ColumnReport, Report, SheetReport

_SHOWN_CHARACTERS = 40


def lines(report: Report, file_name: str) -> Iterator[str]:
    """The report from the sheets to the verdict, a line at a time."""
    known = f" ({report.format})" if report.format else ""
    yield f"{_inert(file_name)}{known}, as {report.contractor} would send it for {report.nis}"
    for sheet in report.sheets:
        yield ""
        yield from _sheet(sheet)
    for title, codes in (("refused", report.refusals), ("remarked", report.remarks)):
        for code in codes:
            yield ""
            yield from _code(code, title)
    yield ""
    yield from (f"notice: {notice}" for notice in report.notices)
    yield (
        f"{report.rows} rows: {report.accepted} accepted, {report.duplicates} duplicate, "
        f"{report.refused} refused"
    )
    if report.rejected_because:
        yield f"THE WHOLE FILE WOULD BE REFUSED: {report.rejected_because}"
    if report.held_because:
        yield f"THE WHOLE FILE WOULD BE HELD: {report.held_because}"


def _sheet(sheet: SheetReport) -> Iterator[str]:
    name = f"sheet {_quoted(sheet.name)}" if sheet.name else "the list"
    if sheet.notice:
        yield f"notice: {_inert(sheet.notice)}"
    if sheet.not_used_because:
        yield f"{name}: not used: {_inert(sheet.not_used_because)}"
        return
    where = "named by the format" if sheet.heading_row is None else f"in row {sheet.heading_row}"
    below = ", units in the row below" if sheet.has_units_row else ""
    yield f"{name}: {sheet.rows} rows; headings {where}{below}"
    for column in sheet.columns:
        yield from _column(column)
    for unknown in sheet.unknown_columns:
        meant = f"; did you mean {_quoted(unknown.nearest_heading)}" if unknown.nearest_heading else ""
        field = f" ({unknown.nearest_field})?" if meant else ""
        yield f"  {_quoted(unknown.heading)}: UNKNOWN, would be reported{meant}{field}"
    for heading in sheet.ignored_columns:
        yield f"  {_quoted(heading)}: ignored"


def _column(column: ColumnReport) -> Iterator[str]:
    notes = ", ".join(filter(None, (column.unit if not column.crs else None, column.crs)))
    means = f"{column.field} ({notes})" if notes else column.field
    more = "more than " if column.distinct >= MAX_COUNTED else ""
    refused = f", {column.refused} REFUSED" if column.refused else ""
    yield (
        f"  {_quoted(column.heading)} -> {means}: {column.texts} texts, {more}{column.distinct} different, "
        f"{column.parsed} parsed{refused}"
    )
    shown = "; ".join(
        _quoted(text) if text == value else f"{_quoted(text)} -> {_value(value)}"
        for text, value in column.examples
    )
    if shown:
        yield f"      {shown}"


def _code(code: CodeReport, title: str) -> Iterator[str]:
    yield f"{title}, {code.code}: {code.rows} rows"
    for one in code.examples:
        what = f"{_quoted(one.column)} = {_quoted(one.value or '')}" if one.column else "the row"
        sheet = f" of {_quoted(one.sheet)}" if one.sheet else ""
        instead = f" -> {_quoted(one.suggestion)}?" if one.suggestion else ""
        yield f"  {one.count} x {what}{instead} (first in row {one.row}{sheet})"
        yield f"      {_inert(one.message)}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _quoted(text: str | None) -> str:
    text = text or ""
    return f"'{_inert(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + '…')}'"


def _inert(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
