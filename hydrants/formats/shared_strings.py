"""The texts of an XLSX that its cells refer to by number."""

from __future__ import annotations

import re
from typing import IO

from hydrants.formats import markup
from hydrants.formats.sheet import without_nul

_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def read_strings(stream: IO[bytes]) -> list[str]:
    """The texts that cells refer to by number, without the phonetic ones that may lie over them."""
    parser = markup.new_parser("Het Excel-bestand")
    strings: list[str] = []
    texts: list[str] = []
    collected: list[str] = []
    phonetic = 0

    def start(tag: str, _attributes: object) -> None:
        nonlocal phonetic
        name = markup.LOCAL[tag]
        if name == "t":
            texts.clear()
        elif name == "si":
            collected.clear()
        elif name == "rPh":
            phonetic += 1

    def end(tag: str) -> None:
        nonlocal phonetic
        name = markup.LOCAL[tag]
        if name == "t" and not phonetic:
            collected.append("".join(texts))
        elif name == "si":
            strings.append(unescaped("".join(collected)))
        elif name == "rPh":
            phonetic -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = texts.append
    for _ in markup.feed(parser, stream):
        pass
    return strings


def unescaped(text: str) -> str:
    """A text of an XLSX with the signs that XML cannot hold, which it writes as _x000D_."""
    if "_x" not in text:
        return text
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return without_nul(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
