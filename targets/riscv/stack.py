"""The frames of functions that clang compiled, from what it writes with -fstack-usage, and their calls, from the object files."""
from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .. import tools
from ..microcontroller.stack import Calls


def clang_calls(objects: Sequence[Path]) -> Calls:
    """The frames that clang writes beside object files with -fstack-usage, and the calls that the relocations of RISC-V code show.

    A jump to a function at another's end counts as a call, though it takes no more stack. Raises MissingTool or ToolFailed.
    """
    found = Calls()
    for file in objects:
        usage = file.with_suffix(".su")  # of a file without functions there is none
        for name, size, kind in re.findall(r"^.*:(\w+)\t(\d+)\t([\w,]+)$", usage.read_text() if usage.exists() else "", re.MULTILINE):
            found.frames[name] = int(size)
            if kind == "dynamic":
                found.growing.add(name)
        caller = ""
        for line in tools.call(["riscv64-unknown-elf-objdump", "-d", "-r", file]).splitlines():
            if start := re.fullmatch(r"[0-9a-f]+ <(\w+)>:", line):
                caller = start[1]
            elif call := re.search(r"\bR_RISCV_(?:CALL|CALL_PLT|JAL|RVC_JUMP)\t(\w+)$", line):
                found.callees.setdefault(caller, set()).add(call[1])
    return found
