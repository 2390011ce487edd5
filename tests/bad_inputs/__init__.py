"""The bad inputs that must not break it, each made by code, with what is to become of it."""

from tests.bad_inputs import cells, hostile, layouts, moments, places, whole_files
from tests.bad_inputs.case import Case

CASES: list[Case] = sorted(
    [*whole_files.CASES, *cells.CASES, *moments.CASES, *layouts.CASES, *places.CASES, *hostile.CASES],
    key=lambda case: case.number,
)
