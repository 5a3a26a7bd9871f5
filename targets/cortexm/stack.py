"""The stack of a function as the compiler sees it, from the call graph that gcc writes with -fcallgraph-info=su."""
from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path


def deepest(graphs: Iterable[Path], function: str) -> int:
    """Bytes of stack of `function` and the deepest chain of calls below it, as far as the graphs know them.

    Functions of the C library have no known frame and count as 0. Raises ValueError when the function is
    unknown, is recursive, or a frame below it has no fixed size.
    """
    frames: dict[str, int] = {}
    variable: set[str] = set()
    calls: dict[str, set[str]] = {}
    for graph in graphs:
        text = graph.read_text()
        for name, size, kind in re.findall(r'^node: { title: "([^"]+)" label: "[^"]*\\n(\d+) bytes \(([\w,]+)\)', text, re.MULTILINE):
            frames[name] = int(size)
            if kind == "dynamic":
                variable.add(name)
        for caller, callee in re.findall(r'^edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', text, re.MULTILINE):
            calls.setdefault(caller, set()).add(callee)
    if function not in frames:
        raise ValueError(f"no frame of {function} in the call graph")

    def depth(name: str, callers: tuple[str, ...]) -> int:
        if name in variable:
            raise ValueError(f"the frame of {name} has no fixed size")
        if name in callers:
            raise ValueError(f"{name} is recursive")
        return frames.get(name, 0) + max((depth(callee, (*callers, name)) for callee in calls.get(name, ())), default=0)

    return depth(function, ())
