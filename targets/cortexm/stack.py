"""The frames and calls of functions that gcc compiled, from the call graph that it writes with -fcallgraph-info=su."""
from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..microcontroller.stack import Calls


def gcc_calls(objects: Sequence[Path]) -> Calls:
    """What gcc writes beside object files with -fcallgraph-info=su."""
    found = Calls()
    for text in (file.with_suffix(".ci").read_text() for file in objects):
        for name, size, kind in re.findall(r'^node: { title: "([^"]+)" label: "[^"]*\\n(\d+) bytes \(([\w,]+)\)', text, re.MULTILINE):
            found.frames[name] = int(size)
            if kind == "dynamic":
                found.growing.add(name)
        for caller, callee in re.findall(r'^edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', text, re.MULTILINE):
            found.callees.setdefault(caller, set()).add(callee)
    return found
