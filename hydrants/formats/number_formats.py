"""Which styles of an XLSX show a number as a day or a duration; nothing else of its looks is read."""

from __future__ import annotations

from typing import IO, NamedTuple

from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format

from hydrants.formats import markup


class DateStyles(NamedTuple):
    """Styles by number, as the text with which cells refer to them.

    Args:
        dates: of days, moments, times and durations.
        durations: of durations only.
    """

    dates: frozenset[str]
    durations: frozenset[str]


def read_date_styles(stream: IO[bytes]) -> DateStyles:
    """The styles of a part with styles.

    Raises:
        One of markup.MALFORMED.
    """
    parser = markup.new_parser("Het Excel-bestand")
    codes: dict[int, str] = {}
    formats: list[int] = []
    path: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        name = markup.LOCAL[tag]
        within = path[-1:]
        path.append(name)
        if name == "xf" and within == ["cellXfs"]:
            formats.append(int(attributes.get("numFmtId", "0")))
        elif name == "numFmt" and within == ["numFmts"] and "numFmtId" in attributes:
            codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")

    def end(_tag: str) -> None:
        path.pop()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    for _ in markup.feed(parser, stream):
        pass
    shown = {
        str(style): codes.get(number, builtin_format_code(number)) for style, number in enumerate(formats)
    }
    durations = frozenset(style for style, code in shown.items() if is_timedelta_format(code))
    return DateStyles(
        frozenset(style for style, code in shown.items() if is_date_format(code)) | durations, durations
    )
