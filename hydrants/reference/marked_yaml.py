"""YAML with every scalar as text, and the line on which each part of it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

Place = tuple[str | int, ...]
"""Keys and positions that lead to a part of a document: ("columns", "x", 0)."""


class Marked(NamedTuple):
    """A document, the line (from 1) of each of its parts, and keys that stand twice in one mapping.

    YAML forbids the latter and PyYAML keeps the last without a word, so what the first said would be lost.
    """

    content: Any
    lines: dict[Place, int]
    repeated: list[tuple[Place, int]]

    def line(self, place: Place) -> int | None:
        """The line of a part, or of the nearest part around it; None for the whole."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place)


def parse(text: str) -> Marked:
    """Read one document.

    Raises:
        yaml.YAMLError: if it is not YAML; `problem_mark` says where.
    """
    # every scalar as text: YAML would make booleans of "nee" abroad and numbers of "080"
    content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    lines: dict[Place, int] = {}
    repeated: list[tuple[Place, int]] = []
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    for place, line in _marks(root, ()) if root else ():
        if place in lines:
            repeated.append((place, line))
        else:
            lines[place] = line
    return Marked(content, lines, repeated)


def _marks(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            inner = (*place, str(key.value))
            yield inner, key.start_mark.line + 1
            if inner not in seen:  # what a repeated key holds is lost: only the key itself is marked twice
                yield from _marks(value, inner)
            seen.add(inner)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield (*place, position), item.start_mark.line + 1
            yield from _marks(item, (*place, position))
