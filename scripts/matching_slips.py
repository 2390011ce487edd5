"""Hydrant numbers for a made-up world, and the slips that crews make in writing them down."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Digits = npt.NDArray[np.int64]

LOWEST, DIGITS = 1_000_000, 7
VALID_SHARE = 0.18  # of the mistyped numbers, those that are another hydrant's
TWO_SLIPS_SHARE = 0.2
# one digit for another is the commonest slip by far, then two neighbours swapped (Verhoeff 1969)
SUBSTITUTION, SWAP, INSERTION, OMISSION = range(4)
SLIP_SHARES = (0.6, 0.2, 0.1, 0.1)

_WIDEST = DIGITS + 3  # two insertions, and a place to look at behind the last digit
_PILOT = 20_000


def draw_numbers(count: int, rng: np.random.Generator) -> IntArray:
    """`count` distinct numbers of seven digits, so dense that slips often make another of them.

    How dense they must lie for `VALID_SHARE` depends on how many digits vary: a pilot sample of slips tells.
    """
    span = 4 * count
    for _ in range(6):
        pilot = LOWEST + rng.integers(0, span, _PILOT)
        slipped = np.array([int(text or 0) for text in with_slips(pilot, rng)])
        within = ((slipped >= LOWEST) & (slipped < LOWEST + span)).mean()
        span = max(count, round(count * within / VALID_SHARE))
    if LOWEST + span > 10**DIGITS:
        raise ValueError(f"{count} numbers do not fit in {DIGITS} digits")
    return LOWEST + rng.choice(span, count, replace=False).astype(np.int64)


def number_texts(numbers: IntArray) -> npt.NDArray[np.object_]:
    """The numbers as texts."""
    return numbers.astype(str).astype(object)


def with_slips(numbers: IntArray, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    """Each number as text with one slip, or two in `TWO_SLIPS_SHARE` of them, without leading zeros."""
    digits = np.zeros((len(numbers), _WIDEST), np.int64)
    digits[:, :DIGITS] = numbers[:, None] // 10 ** np.arange(DIGITS - 1, -1, -1) % 10
    length = np.full(len(numbers), DIGITS)
    digits, length = _slip(digits, length, rng)
    twice = np.flatnonzero(rng.random(len(numbers)) < TWO_SLIPS_SHARE)
    digits[twice], length[twice] = _slip(digits[twice], length[twice], rng)
    signs = np.where(np.arange(_WIDEST) < length[:, None], digits + ord("0"), 0).astype(np.uint8)
    texts = np.ascontiguousarray(signs).view(f"S{_WIDEST}").ravel().astype(str)
    return np.char.lstrip(texts, "0").astype(object)


def _slip(digits: Digits, length: IntArray, rng: np.random.Generator) -> tuple[Digits, IntArray]:
    """One slip in each row of digits, of which only the first `length` count."""
    rows = np.arange(len(digits))
    kind = rng.choice(len(SLIP_SHARES), len(digits), p=SLIP_SHARES)
    # a swap starts before the last digit, an insertion may come after it
    at = (rng.random(len(digits)) * (length + np.choose(kind, [0, -1, 1, 0]))).astype(np.int64)
    # swapping two equal digits would be no slip
    kind = np.where((kind == SWAP) & (digits[rows, at] == digits[rows, at + 1]), SUBSTITUTION, kind)

    source = np.tile(np.arange(_WIDEST), (len(digits), 1))
    after, from_here = source > at[:, None], source >= at[:, None]
    source -= after & (kind == INSERTION)[:, None]
    source += from_here & (kind == OMISSION)[:, None]
    source = source.clip(max=_WIDEST - 1)
    swap = rows[kind == SWAP]
    source[swap, at[swap]], source[swap, at[swap] + 1] = at[swap] + 1, at[swap]
    slipped = np.take_along_axis(digits, source, axis=1)
    changed = rows[(kind == SUBSTITUTION) | (kind == INSERTION)]
    other = (slipped[changed, at[changed]] + rng.integers(1, 10, len(changed))) % 10
    slipped[changed, at[changed]] = other
    return slipped, length + (kind == INSERTION) - (kind == OMISSION)
