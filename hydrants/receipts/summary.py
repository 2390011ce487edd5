"""The first sheet of a receipt: what became of the file, in figures, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hydrants.receipts.facts import Answer
from hydrants.receipts.rows import Kind
from hydrants.receipts.styles import Styles, height_pt
from hydrants.receipts.tally import Group
from hydrants.reference.answers import ANSWER_COLUMNS, FORMAT_LABEL, SUMMARY_SHEET
from hydrants.spreadsheet import write_text

BELGIUM = ZoneInfo("Europe/Brussels")

_WIDTHS = (30, 92, 12)
_LINE_PT = 15.0
_SHOWN_PHOTOS = 200
_FORMATS_NL = {
    "csv": "CSV",
    "xlsx": "Excel",
    "xls": "Excel (oud)",
    "ods": "ODS",
    "gpkg": "GeoPackage",
    "geojson": "GeoJSON",
}
_NOT_UNDERSTOOD = "Begrijpt u een reden niet, bel of mail dan met de naam van dit bestand bij de hand."


def write(
    sheet: Any, styles: Styles, answer: Answer, groups: list[Group], names: dict[int, list[str]]
) -> None:
    """Write the sheet.

    Args:
        groups: the reasons, counted.
        names: for each sheet number, the sheets of the receipt that its rows are on.
    """
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.hide_gridlines(2)
    sheet.set_portrait()
    sheet.set_paper(9)  # A4
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    lines = _Lines(sheet, styles)
    lines.text(SUMMARY_SHEET, styles.title, 27)
    lines.text(f"{answer.firm} - {answer.gemeente} - {answer.upload.file_name}", styles.label, 20)
    lines.skip()
    kind, word, said = verdict(answer, names)
    lines.pair(word, said, styles.banner(kind))
    lines.skip()
    _figures(lines, answer)
    _reasons(lines, styles, groups)
    _notices(lines, answer)
    lines.section("Het bestand")
    for label, value in _identity(answer):
        lines.pair(label, value)
    # the last cell tells whoever reads a corrected receipt how its rows were written at first
    lines.pair(FORMAT_LABEL, format_name(answer.format), more=answer.format)


def verdict(answer: Answer, names: dict[int, list[str]]) -> tuple[Kind, str, str]:
    """What became of the file: by which kind it is coloured, in a word, and what its sender can do."""
    counts, upload = answer.counts, answer.upload
    if upload.rejected_because is not None:
        said = f"Geen enkele rij van dit bestand is gebruikt.\n{upload.rejected_because}"
        return Kind.REFUSED, "Het bestand is geweigerd", said
    where = _first_with(answer, names, Kind.REFUSED)
    on = f" op het blad '{where}'" if where else ""
    if upload.held_because is not None:
        said = (
            f"Er telt voorlopig geen enkele rij mee. {upload.held_because}\n"
            f"De geweigerde rijen staan bovenaan{on}, met de reden erbij."
        )
        return Kind.HELD, "Het bestand wordt nagekeken", said
    if counts.refused:
        one = counts.refused == 1
        of = f"{number(counts.refused)} van de {number(counts.received)} rijen"
        status, why, instead = ANSWER_COLUMNS
        return (
            Kind.REFUSED,
            f"{of} {'is' if one else 'zijn'} geweigerd",
            f"Wat te doen:\n"
            f"1. Ga naar het blad '{where}'. De geweigerde rijen staan bovenaan, in het rood; de cel die "
            "niet klopt is donkerder.\n"
            f"2. Verbeter {'ze' if one else 'ze een voor een'}. In de kolom '{why}' leest u wat er scheelt, "
            f"in '{instead}' wat er waarschijnlijk hoort te staan.\n"
            "3. Bewaar dit bestand en stuur het in zijn geheel terug, langs dezelfde weg als anders. De "
            f"kolommen '{status}', '{why}' en '{instead}' mogen blijven staan, en wat al aanvaard is, telt "
            "niet dubbel.",
        )
    if counts.received == counts.sums:
        return Kind.REMARKED, "Geen controles", "In dit bestand staan geen controles om te verwerken."
    if counts.accepted == 0:
        said = "Al deze rijen stonden al in een vorig bestand. U hoeft niets te doen."
        return Kind.DUPLICATE, "Niets nieuws", said
    if counts.remarked:
        where = _first_with(answer, names, Kind.REMARKED)
        rest = f" Bij {number(counts.remarked)} ervan hoort een opmerking: zie bovenaan het blad '{where}'."
    else:
        rest = " U hoeft niets te doen."
    said = f"{_some(counts.accepted, 'rij is', 'rijen zijn')} aanvaard{_besides(counts.duplicate)}.{rest}"
    return Kind.ACCEPTED, "In orde", said


def number(value: int) -> str:
    """15.916."""
    return f"{value:,}".replace(",", ".")


def moment(value: datetime) -> str:
    """14/03/2019 om 21.05 uur, Belgian time."""
    return f"{value.astimezone(BELGIUM):%d/%m/%Y om %H.%M uur}"


def format_name(file_format: str | None) -> str:
    """What people call a format."""
    return _FORMATS_NL.get(file_format or "", (file_format or "niet herkend").upper())


class _Lines:
    """Writes line after line, as a workbook that is not held in memory asks for."""

    def __init__(self, sheet: Any, styles: Styles) -> None:
        self._sheet = sheet
        self._styles = styles
        self._row = 0

    def _fit(self, *texts: str | None) -> None:
        self._sheet.set_row(self._row, height_pt(*zip(texts, _WIDTHS, strict=False)))

    def skip(self) -> None:
        self._row += 1

    def text(self, text: str, style: Any, height_pt: float = _LINE_PT) -> None:
        self._sheet.set_row(self._row, height_pt)
        write_text(self._sheet, self._row, 0, text, style)
        self._row += 1

    def section(self, title: str) -> None:
        self._sheet.set_row(self._row, 20)
        for column in range(len(_WIDTHS)):
            write_text(self._sheet, self._row, column, None if column else title, self._styles.section)
        self._row += 1

    def pair(
        self, label: str, text: str, styles: tuple[Any, Any] | None = None, more: str | None = None
    ) -> None:
        of_label, of_text = styles or (self._styles.label, self._styles.value)
        self._fit(label, text)
        write_text(self._sheet, self._row, 0, label, of_label)
        write_text(self._sheet, self._row, 1, text, of_text)
        if more or styles:
            write_text(self._sheet, self._row, 2, more, of_text if styles else self._styles.label)
        self._row += 1

    def figure(self, label: str, value: int, is_total: bool = False) -> None:
        styles = self._styles
        write_text(self._sheet, self._row, 0, label, styles.total_label if is_total else styles.label)
        self._sheet.write_number(self._row, 1, value, styles.total if is_total else styles.number)
        self._row += 1

    def headings(self, texts: Iterable[str]) -> None:
        for column, text in enumerate(texts):
            write_text(self._sheet, self._row, column, text, self._styles.heading)
        self._row += 1

    def reason(self, group: Group) -> None:
        style = self._styles.value
        self._fit(group.column, group.example)
        write_text(self._sheet, self._row, 0, group.column, style)
        write_text(self._sheet, self._row, 1, group.example, style)
        self._sheet.write_number(self._row, 2, group.rows, self._styles.number)
        self._row += 1


def _figures(lines: _Lines, answer: Answer) -> None:
    if answer.upload.rejected_because is not None:
        return
    counts = answer.counts
    lines.section("Rijen")
    lines.figure("aanvaard", counts.accepted)
    if counts.remarked:
        lines.figure("    waarvan met opmerking", counts.remarked)
    lines.figure("dubbel (stond er al)", counts.duplicate)
    lines.figure("geweigerd", counts.refused)
    if counts.held:
        lines.figure("wordt nagekeken", counts.held)
    if counts.sums:
        lines.figure("geen controle (totaalrij)", counts.sums)
    lines.figure("ontvangen", counts.received, is_total=True)
    if counts.heading or counts.blank:
        lines.pair(
            "niet meegeteld",
            f"{_some(counts.heading, 'rij', 'rijen')} met titels of van bladen zonder lijst, "
            f"{_some(counts.blank, 'lege rij', 'lege rijen')}",
        )
    lines.skip()


def _reasons(lines: _Lines, styles: Styles, groups: list[Group]) -> None:
    for kind, title in ((Kind.REFUSED, "Waarom geweigerd"), (Kind.REMARKED, "Opmerkingen")):
        of_kind = [group for group in groups if group.kind is kind]
        if not of_kind:
            continue
        lines.section(title)
        lines.headings(("Kolom", "Reden (van de eerste rij die ze heeft)", "Rijen"))
        for group in of_kind:
            lines.reason(group)
        if kind is Kind.REFUSED:
            lines.skip()
            lines.text(_NOT_UNDERSTOOD, styles.label)
        lines.skip()


def _notices(lines: _Lines, answer: Answer) -> None:
    notices = [("", notice) for notice in answer.notices]
    if answer.unknown_columns:
        listed = ", ".join(f"'{name}'" for name in answer.unknown_columns)
        notices.append(("kolommen die niet gebruikt zijn", f"{listed}: niet afgesproken, dus niet gelezen."))
    notices += [(f"foto {name}", why) for name, why in answer.refused_photos[:_SHOWN_PHOTOS]]
    if (more := len(answer.refused_photos) - _SHOWN_PHOTOS) > 0:
        notices.append(("", f"en nog {number(more)} foto's die geweigerd zijn"))
    if notices:
        lines.section("Wat u ook moet weten")
        for label, text in notices:
            lines.pair(label, text)
        lines.skip()


def _identity(answer: Answer) -> list[tuple[str, str]]:
    upload = answer.upload
    return [
        ("firma", answer.firm),
        ("gemeente", f"{answer.gemeente} ({upload.nis})"),
        ("bestand", upload.file_name),
        ("ontvangen op", moment(upload.landed_at)),
        ("grootte", f"{number(upload.size_bytes)} bytes"),
        ("SHA-256", upload.sha256),
    ]


def _first_with(answer: Answer, names: dict[int, list[str]], kind: Kind) -> str | None:
    """The first sheet of the receipt with rows of a kind."""
    return next((names[sheet.number][0] for sheet in answer.sheets if sheet.kinds[kind]), None)


def _some(value: int, one: str, more: str) -> str:
    return f"{number(value)} {one if value == 1 else more}"


def _besides(duplicates: int) -> str:
    if not duplicates:
        return ""
    return f"; {number(duplicates)} {'stond' if duplicates == 1 else 'stonden'} er al"
