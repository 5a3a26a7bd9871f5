"""The depths of queues, as they are told."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tapeout.compiler.errors import TapeoutError

EXACT = "exact"  # in place of depths: those that simulation finds


def parse_depths(texts: Sequence[str]) -> dict[str, int]:
    """The beats of queues by name, of texts like `conv1=4`. Raises TapeoutError."""
    depths: dict[str, int] = {}
    for text in texts:
        match = re.fullmatch(r"(.+)=([1-9]\d*)", text)
        if not match:
            raise TapeoutError(f"--fifo {text!r}: write {EXACT} alone, or NAME=BEATS, with a name of design.json")
        if match[1] in depths:
            raise TapeoutError(f"--fifo {text!r}: the depth of {match[1]} is given twice")
        depths[match[1]] = int(match[2])
    return depths


def told(depths: Mapping[str, int]) -> tuple[str, ...]:
    """The texts of depths."""
    return tuple(f"{name}={depth}" for name, depth in depths.items())
