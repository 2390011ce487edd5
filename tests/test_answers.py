"""What a reading process answers is believed only as far as it is an answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrants.errors import UploadRejected
from hydrants.formats import Format, Limits, Photo
from hydrants.formats.frames import Kind
from hydrants.reading import answers
from hydrants.reading.answers import BrokenAnswer, CutShort, Rows, SheetBegins, SheetEnds

SHEET = {"name": "", "columns": None, "crs": None, "notice_nl": None}
START = [(Kind.FORMAT, "csv"), (Kind.SHEET, SHEET)]


def packed(kind: Kind, value: Any) -> tuple[Kind, bytes]:
    return kind, value if isinstance(value, bytes) else orjson.dumps(value)


@pytest.mark.parametrize(
    "lie",
    [
        [(Kind.READY, [])],
        [(Kind.DONE, None)],
        [(Kind.FORMAT, "exe")],
        [(Kind.FORMAT, 1)],
        [(Kind.FORMAT, b"\xff")],
        [(Kind.FORMAT, "csv"), (Kind.DONE, None)],
        [(Kind.FORMAT, "csv"), (Kind.FORMAT, "csv")],
        [(Kind.FORMAT, "csv"), (Kind.ROWS, [[1], [["a"]]])],
        [(Kind.FORMAT, "csv"), (Kind.SHEET, SHEET | {"name": "a\0"})],
        [(Kind.FORMAT, "csv"), (Kind.SHEET, SHEET | {"name": None})],
        [(Kind.FORMAT, "csv"), (Kind.SHEET, SHEET | {"columns": ["a"] * 300})],
        [(Kind.FORMAT, "csv"), (Kind.SHEET, SHEET | {"columns": [None]})],
        [(Kind.FORMAT, "csv"), (Kind.SHEET, SHEET | {"more": 1})],
        [(Kind.FORMAT, "csv"), (Kind.SHEET, [])],
        [*START, (Kind.DONE, None)],
        [*START, (Kind.SHEET, SHEET)],
        [*START, (Kind.END, -1)],
        [*START, (Kind.END, True)],
        [*START, (Kind.END, 2**31)],
        [*START, (Kind.ROWS, [])],
        [*START, (Kind.ROWS, [[], []])],
        [*START, (Kind.ROWS, [[1], []])],
        [*START, (Kind.ROWS, [[1, 2], [["a"]]])],
        [*START, (Kind.ROWS, [[1], [["a"]], 1])],
        [*START, (Kind.ROWS, [["1"], [["a"]]])],
        [*START, (Kind.ROWS, [[True], [["a"]]])],
        [*START, (Kind.ROWS, [[1.0], [["a"]]])],
        [*START, (Kind.ROWS, [[2**31], [["a"]]])],
        [*START, (Kind.ROWS, [[-(2**31) - 1], [["a"]]])],
        [*START, (Kind.ROWS, [[2, 1], [["a"], ["a"]]])],
        [*START, (Kind.ROWS, [[1], [["a"]]]), (Kind.ROWS, [[1], [["a"]]])],
        [*START, (Kind.ROWS, [[1], ["a"]])],
        [*START, (Kind.ROWS, [[1], [[]]])],
        [*START, (Kind.ROWS, [[1], [[1]]])],
        [*START, (Kind.ROWS, [[1], [[["a"]]]])],
        [*START, (Kind.ROWS, [[1], [["a\0"]]])],
        [*START, (Kind.ROWS, [[1], [["a"] * 300]])],
        [*START, (Kind.ROWS, b'[[1], [["\\ud800"]]]')],
        [*START, (Kind.ROWS, b"[" * 100_000)],
        [(Kind.FORMAT, "csv"), (Kind.PHOTO, b"[]")],
        [(Kind.FORMAT, "csv"), (Kind.PHOTO, b'{"file_name": "a", "refused_because": null}')],
        [(Kind.FORMAT, "csv"), (Kind.PHOTO, b'{"file_name": "a", "refused_because": null}\n<svg/>')],
        [(Kind.FORMAT, "csv"), (Kind.PHOTO, b'{"file_name": "a", "refused_because": "x"}\n\xff\xd8\xff')],
        [(Kind.FORMAT, "csv"), *[(Kind.PHOTO, b'{"file_name": "a", "refused_because": "x"}')] * 2],
        [(Kind.FORMAT, "csv"), (Kind.PHOTO, b'{"file_name": "%s", "refused_because": "x"}' % (b"a" * 256))],
        [(Kind.REFUSED, "")],
        [(Kind.REFUSED, None)],
        [*START, (Kind.END, 0), *[(Kind.SHEET, SHEET), (Kind.END, 0)] * 1_000],
    ],
    ids=lambda lie: repr(lie[-1])[:60],
)
def test_what_is_no_answer_is_not_believed(lie: list[tuple[Kind, Any]]) -> None:
    with pytest.raises(BrokenAnswer):
        list(answers.parse([packed(kind, value) for kind, value in lie], Limits()))


TRUTH = [
    packed(Kind.FORMAT, "csv"),
    packed(Kind.SHEET, SHEET | {"columns": ["a", "b"]}),
    packed(Kind.ROWS, [[1, 3], [["a\\u0000", None], ["b"]]]),
    packed(Kind.END, 1),
    (Kind.PHOTO, b'{"file_name": "a.jpg", "refused_because": null}\n\xff\xd8\xff\n1'),
    packed(Kind.PHOTO, {"file_name": "b.jpg", "refused_because": "geen foto"}),
    packed(Kind.DONE, None),
]


def test_an_answer_is_believed() -> None:
    assert list(answers.parse(TRUTH, Limits())) == [
        Format.CSV,
        SheetBegins("", ["a", "b"], None, None),
        Rows([1, 3], [["a\\u0000", None], ["b"]]),
        SheetEnds(1),
        Photo("a.jpg", b"\xff\xd8\xff\n1"),
        Photo("b.jpg", None, "geen foto"),
    ]
    for length in range(len(TRUTH)):
        with pytest.raises(CutShort):
            list(answers.parse(TRUTH[:length], Limits()))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3),
).map(orjson.dumps)


@given(
    st.lists(
        st.sampled_from(TRUTH) | st.tuples(st.sampled_from(Kind), _VALUES | st.binary(max_size=9)), max_size=9
    )
)
def test_no_answer_does_more_than_be_refused(said: list[tuple[Kind, bytes]]) -> None:
    try:
        for part in answers.parse(said, Limits()):
            assert isinstance(part, Format | SheetBegins | Rows | SheetEnds | Photo)
    except (UploadRejected, BrokenAnswer, CutShort):
        pass
