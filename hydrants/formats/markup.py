"""XML of strangers as a stream of elements; a document type, and with it every entity, is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any
from xml.parsers import expat

from hydrants.errors import UploadRejected

MALFORMED = (expat.ExpatError, LookupError, ValueError)
"""What expat raises of text that is no XML, or in an encoding that it does not know."""

_CHUNK_BYTES = 65_536
_MAX_TOKEN_BYTES = 4_000_000
"""Of a tag or a comment, which expat scans from its start again at each piece; a text it does not."""


class TagTooLong(ValueError):
    """A tag or a comment is longer than any that is written in earnest."""


def new_parser(what_nl: str, separator: str | None = None) -> Any:
    """An expat parser that refuses a document type in any encoding, before it is acted on.

    Args:
        what_nl: what is read, to start the refusal with: "Het KML-bestand".
        separator: stands between namespace and name, where namespaces are told apart.
    """
    parser = expat.ParserCreate(namespace_separator=separator)
    parser.buffer_text = True
    parser.buffer_size = _CHUNK_BYTES

    def refuse(*_declared: object) -> None:
        raise doctype_refused(what_nl)

    parser.StartDoctypeDeclHandler = refuse
    return parser


def doctype_refused(what_nl: str) -> UploadRejected:
    """The refusal of a document that declares a type."""
    return UploadRejected(f"{what_nl} bevat een DOCTYPE; dat wordt niet gelezen.")


def feed(parser: Any, stream: IO[bytes]) -> Iterator[None]:
    """Parse a stream piece by piece; what the handlers found in one may be taken before the next.

    Raises:
        One of MALFORMED, of which TagTooLong is one.
    """
    fed = 0
    while chunk := stream.read(_CHUNK_BYTES):
        parser.Parse(chunk, False)
        fed += len(chunk)
        if fed - parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
            raise TagTooLong(f"more than {_MAX_TOKEN_BYTES} bytes")
        yield
    parser.Parse(b"", True)
    yield


class _Found(Exception):
    """Ends the parsing as soon as it is known what was asked for."""


def prolog_of(stream: IO[bytes]) -> tuple[str | None, str | None]:
    """Name in the document type, or else local name of the root element; nothing where it is no XML.

    Nothing that a document type declares is acted on: the parsing stops at its name.

    Raises:
        TagTooLong: if a comment hides what comes.
    """
    parser = new_parser("")
    names: dict[str, str] = {}

    def declared(name: str, *_rest: object) -> None:
        names["doctype"] = name
        raise _Found

    def started(name: str, _attributes: object) -> None:
        names["root"] = LOCAL[name]
        raise _Found

    parser.StartDoctypeDeclHandler = declared
    parser.StartElementHandler = started
    try:
        for _ in feed(parser, stream):
            pass
    except TagTooLong:  # what lies behind it is not known, and another parser would read on
        raise
    except (_Found, *MALFORMED):
        pass
    return names.get("doctype"), names.get("root")


class _LocalNames(dict[str, str]):
    def __missing__(self, name: str) -> str:
        self[name] = name.rpartition(":")[2]
        return self[name]


LOCAL = _LocalNames()
"""Of each qualified name its local part; the prefix is the writer's own choice."""
