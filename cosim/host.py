"""The machine that tapeout itself runs on, with and without sanitizers."""
from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tapeout.targets import tools
from tapeout.targets.compiled import Compiled

from .engine import HARNESS, EngineFailed, Harnessed, failure, program_flags, program_sources
from .layout import apart

_FAST = ["-O3"]  # four times as fast as -O2 on plain loops; no level may change a bit
_CHECKED = ["-O2", "-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]


@dataclass(frozen=True)
class Host:
    """Builds with $CC, or gcc, and runs the program; `seconds` end an endless run.

    `sanitize` adds AddressSanitizer and UndefinedBehaviorSanitizer.
    """

    name: str = "host"
    sanitize: bool = False
    seconds: int = 900

    def execute(self, compiled: Compiled, hooks: str, inputs: bytes, folder: Path) -> bytes:
        program = folder / "program"
        sources = [*program_sources(compiled, hooks, folder), HARNESS / "port_host.c"]
        flags = [*(_CHECKED if self.sanitize else _FAST), *program_flags(compiled, hooks)]
        try:
            tools.call([*compiler(), *flags, *sources, "-o", program])
        except tools.ToolFailed as error:
            raise EngineFailed(self.name, f"the C does not compile: {error}") from None
        (folder / "inputs.bin").write_bytes(inputs)
        try:
            ran = subprocess.run([program], cwd=folder, env=_environment(), capture_output=True, timeout=self.seconds, check=False)
        except subprocess.TimeoutExpired:
            raise EngineFailed(self.name, f"still runs after {self.seconds} seconds") from None
        if ran.returncode:
            printed = ran.stderr.decode(errors="replace")
            raise failure(self.name, compiled, printed, _sanitizer_words(printed) or _signal(ran.returncode))
        return (folder / "outputs.bin").read_bytes()


def compiler() -> list[str]:
    """The command of the host's C compiler. Raises MissingTool."""
    command = shlex.split(os.environ.get("CC", "gcc"))
    if not command or not shutil.which(command[0]):
        raise tools.MissingTool(f"there is no C compiler {' '.join(command)!r}: apt-get install gcc, or set CC to the command of another")
    return command


def _environment() -> dict[str, str]:
    """With sanitizers that abort, so that the port's signal handler names the node."""
    return {**os.environ, "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0", "UBSAN_OPTIONS": "abort_on_error=1"}


def _sanitizer_words(printed: str) -> str:
    """What a sanitizer found, in one line: `use-after-poison, write of size 1 in conv2d_s8`; empty when none spoke."""
    undefined = re.search(r"(\w+\.[ch]:\d+):\d+: runtime error: (.*)", printed)
    if undefined:
        return f"{undefined[2]} at {undefined[1]}"
    address = re.search(r"AddressSanitizer: ([\w-]+)", printed)
    access = re.search(r"^(READ|WRITE) of size (\d+)", printed, re.MULTILINE)
    function = re.search(r"^ +#\d+ \w+ in (\w+) .*\.[ch]:\d+", printed, re.MULTILINE)
    constant = re.search(r"is located (\d+ bytes (?:after|before|to the \w+ of)) global variable '(\w+)'", printed)
    if not address:
        return ""
    words = [address[1]]
    if access:
        words.append(f"{access[1].lower()} of size {access[2]}{f' in {function[1]}' if function else ''}")
    if constant:
        words.append(f"{constant[1]} {constant[2]}")
    return ", ".join(words)


def _signal(status: int) -> str:
    return f"ended by {signal.Signals(-status).name}" if status < 0 else ""


HOST = Harnessed("host", Host())
HOST_ASAN = Harnessed("host-asan", Host("host-asan", sanitize=True), "asan", apart)
