"""The encoding of a text of which nothing says what it is in: found out by all of its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hydrants.errors import UploadRejected
from hydrants.formats.source import Source
from hydrants.formats.text import unicode_of

_HEAD_BYTES = 65_536
_BLOCK_BYTES = 1_000_000
_MAX_LINE_BYTES = 16_000_000  # far more than MAX_COLUMNS cells of any list

# Letters within a word, where Windows-1252 has quotes, daggers and other signs that never stand there:
# of DOS ü, é, ç, ê, ë, è and ï; of the Macintosh é, è, ê, ë, í, ì, î, ï, ñ, ó, ò, ô, ö, õ, ú, ù, û and ü too.
_DOS = "cp850", re.compile(rb"[a-z][\x81\x82\x87-\x8b][a-z]")
_MACINTOSH = "mac_roman", re.compile(rb"[a-z][\x87-\x91\x94\x95\x98\x99\x9d-\x9f][a-z]")
_BESIDE_LETTER_OF_WINDOWS = re.compile(rb"[A-Za-z][\xe0-\xff]|[\xe0-\xff][A-Za-z]")


def scan(source: Source) -> tuple[str, bool]:
    """The encoding, and whether there is a NUL in it.

    By the byte order mark or the pattern of UTF-16, else UTF-8 when every line is, else Windows-1252,
    unless letters of an older code page stand within words.

    Raises:
        UploadRejected: naming the line, if there are two encodings or bytes that are no signs.
    """
    with source.open() as stream:
        head = stream.read(_BLOCK_BYTES)
    declared = unicode_of(head[:_HEAD_BYTES])
    if declared is not None and declared.startswith("utf-16"):
        return declared, True
    ending = b"\n" if b"\n" in head or b"\r" not in head else b"\r"
    has_nul, has_utf8 = False, declared is not None
    page = _CodePage(*(_DOS if ending == b"\n" else _MACINTOSH))
    for before, lines in _blocks(source, ending):
        has_nul = has_nul or b"\0" in lines
        if lines.isascii():
            continue
        if not page.is_met and _decodes(lines, "utf-8"):
            has_utf8 = True
            continue
        for number, line in enumerate(lines.split(ending), start=before + 1):
            if line.isascii():
                continue
            if _decodes(line, "utf-8"):
                has_utf8 = True
            else:
                page.take(number, line)
            if page.is_met and has_utf8:
                page.refuse_unreadable()
                raise UploadRejected(
                    f"Regel {number}: het bestand mengt twee tekensets (UTF-8 en Windows-1252). "
                    "Bewaar het in zijn geheel als CSV UTF-8."
                )
    return declared or (page.name() if page.is_met else "utf-8"), has_nul


class _CodePage:
    """Which code page lines are in that are no UTF-8: the older one that is possible, or Windows-1252."""

    def __init__(self, older: str, within_word: re.Pattern[bytes]) -> None:
        self._older, self._within_word = older, within_word
        self._is_older = self._is_windows = False
        self._unreadable: int | None = None
        self.is_met = False

    def take(self, number: int, line: bytes) -> None:
        """A line that is no UTF-8, and its number."""
        self.is_met = True
        self._is_older = self._is_older or bool(self._within_word.search(line))
        self._is_windows = self._is_windows or bool(_BESIDE_LETTER_OF_WINDOWS.search(line))
        if self._unreadable is None and not _decodes(line, "cp1252"):
            self._unreadable = number

    def name(self) -> str:
        """The code page of the lines taken."""
        if self._is_older and not self._is_windows:
            return self._older
        self.refuse_unreadable()
        return "cp1252"

    def refuse_unreadable(self) -> None:
        """The first line, if there is one, that is no Windows-1252 either."""
        if self._unreadable is not None:
            raise UploadRejected(
                f"Regel {self._unreadable} bevat onleesbare tekens. Bewaar het bestand als CSV UTF-8."
            )


def _blocks(source: Source, ending: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes in pieces of whole lines, each with the number of lines before it."""
    before, rest = 0, b""
    with source.open() as stream:
        while block := stream.read(_BLOCK_BYTES):
            if len(rest) > _MAX_LINE_BYTES:
                raise UploadRejected(f"Regel {before + 1} is te lang: dit is geen lijst met controles.")
            block = rest + block
            cut = block.rfind(ending) + 1
            rest = block[cut:]
            yield before, block[:cut]
            before += block.count(ending)
    yield before, rest


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
