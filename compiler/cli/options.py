"""Parsing of options that several commands share."""
from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from ..errors import TapeoutError

weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), metavar="W.pt", help="State dict of a model given as package.module:factory.",
)


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The shapes of texts like `image=1x28x28x1`, by input name. Raises TapeoutError."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        match = re.fullmatch(r"(.+)=([1-9]\d*(?:x[1-9]\d*)*)", text)
        if not match:
            raise TapeoutError(f"--shape {text!r}: write NAME=1x28x28x1, all sizes at least 1")
        if match[1] in shapes:
            raise TapeoutError(f"--shape {text!r}: the shape of {match[1]} is given twice")
        shapes[match[1]] = tuple(int(n) for n in match[2].split("x"))
    return shapes
