"""The encoding that the first bytes of a text give away."""

from __future__ import annotations

import unicodedata

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_LAYOUT = "\t\n\f\r"
_MIN_NUL_SHARE = 0.7
"""Of the signs in UTF-16: one that is not Latin has no NUL; a list in another script is not told so."""


def unicode_of(head: bytes) -> str | None:
    """The Unicode encoding that a byte order mark declares or that the NUL bytes prove; None otherwise."""
    for mark, encoding in _BOMS.items():
        if head.startswith(mark):
            return encoding
    pairs = len(head) // 2
    for encoding, nul_at in (("utf-16-le", 1), ("utf-16-be", 0)):
        nuls, others = head[nul_at::2].count(0), head[1 - nul_at :: 2].count(0)
        if pairs and not others and nuls >= pairs * _MIN_NUL_SHARE and _is_text(head[: 2 * pairs], encoding):
            return encoding
    return None


def _is_text(head: bytes, encoding: str) -> bool:
    text = head.decode(encoding, errors="replace")
    return not any(unicodedata.category(sign) == "Cc" and sign not in _LAYOUT for sign in text)
