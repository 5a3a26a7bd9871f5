"""The targets: each is a folder of kernels and a small Python file that emits calls of them.

A target is found by its file: every `targets/<folder>/target.py` has a tuple `TARGETS`.
"""
from __future__ import annotations

import importlib
from pathlib import Path

from tapeout.compiler.errors import TapeoutError

from .hardware import all_hardware
from .target import Target


def all_targets() -> tuple[Target, ...]:
    """Every target, by folder and then in the order of its file."""
    folders = sorted(p.parent.name for p in Path(__file__).parent.glob("*/target.py"))
    return tuple(t for f in folders for t in importlib.import_module(f"{__name__}.{f}.target").TARGETS)


def find_target(name: str, back_end: str = "own") -> Target:
    """The target of this name, with the kernels of a back end. Raises TapeoutError that lists the known ones."""
    for target in all_targets():
        if target.name == name:
            return target.backed(back_end)
    names = [*(t.name for t in all_targets()), *(h.name for h in all_hardware())]
    raise TapeoutError(f"no target {name!r}; there are {', '.join(names)}")
