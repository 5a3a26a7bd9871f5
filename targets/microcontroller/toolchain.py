"""The programs that make firmware from C."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .stack import Calls


@dataclass(frozen=True)
class Toolchain:
    """A C compiler that links, and the binary utilities whose names begin with `prefix`.

    `stack_flags` make the compiler write, beside each object file, what `calls` reads of those files; `stack_source` says in words
    what that is.
    """

    compiler: str
    prefix: str
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    stack_flags: tuple[str, ...]
    calls: Callable[[Sequence[Path]], Calls]
    stack_source: str

    @property
    def size(self) -> str:
        return f"{self.prefix}size"

    @property
    def addr2line(self) -> str:
        return f"{self.prefix}addr2line"
