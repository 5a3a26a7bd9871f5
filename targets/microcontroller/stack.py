"""The stack of a function as the compiler sees it: the deepest chain of calls below it."""
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Calls:
    """Functions of a program: the bytes of their frames, those among them that grow at run time, and whom each calls."""

    frames: dict[str, int] = field(default_factory=dict)
    growing: set[str] = field(default_factory=set)
    callees: dict[str, set[str]] = field(default_factory=dict)

    def deepest(self, function: str) -> int:
        """Bytes of stack of `function` and the deepest chain of calls below it, as far as frames are known.

        Functions of the C library have no known frame and count as 0. Raises ValueError when the function is
        unknown, is recursive, or a frame below it has no fixed size.
        """
        if function not in self.frames:
            raise ValueError(f"no frame of {function} in the call graph")
        return self._depth(function, ())

    def _depth(self, name: str, callers: tuple[str, ...]) -> int:
        if name in self.growing:
            raise ValueError(f"the frame of {name} has no fixed size")
        if name in callers:
            raise ValueError(f"{name} is recursive")
        below = (self._depth(callee, (*callers, name)) for callee in self.callees.get(name, ()))
        return self.frames.get(name, 0) + max(below, default=0)
