"""Cores as programs that run firmware: CV32E40P verilated from the RTL in a package of PyPI, with changes that a core names, and kept."""
from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.targets import tools
from tapeout.targets.microcontroller.rtl import CV32E40P, RtlCore

from ..verilate import made_by, verilate

FOLDER = Path(__file__).parent
PACKAGE = "pythondata-cpu-cv32e40p"
_OPTIONS = (
    # The warnings of its code are not ours to mend.
    "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-WIDTHCONCAT", "-Wno-UNOPTFLAT", "-Wno-BLKANDNBLK", "-Wno-MULTIDRIVEN",
    "-Wno-TIMESCALEMOD",
    "--top-module", "cv32e40p_top",
)
_LEFT_OUT = ("tracer_pkg", "tb_wrapper", "sva", "sim_clock_gate")  # of the core's list of files: what is for other test benches


def simulator(core: RtlCore = CV32E40P) -> Path:
    """The test bench's program for a core, built the first time: in half a minute. Raises MissingTool, ToolFailed, or TapeoutError for a
    patch whose text is not there exactly once."""
    place = _cache() / _digest(core) / "testbench"
    if not place.exists():
        with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
            built = _build(core, Path(folder))
            place.parent.mkdir(parents=True, exist_ok=True)
            whole = place.with_suffix(f".{os.getpid()}")
            shutil.copy2(built, whole)
            whole.rename(place)  # at once, as others may build it too
    return place


def _build(core: RtlCore, folder: Path) -> Path:
    listed = folder / "files.f"
    listed.write_text("".join(f"{line}\n" for line in (*_patched(core, _files(), folder), FOLDER / "clock_gate.sv")))
    parameters = (f"-G{parameter}" for parameter in core.parameters)
    return verilate([*_OPTIONS, *parameters, "-f", listed, FOLDER / "testbench.cpp"], "Vcv32e40p_top", folder / "obj")


def _files() -> list[str]:
    """The files and options of the core's own list. Raises MissingTool when the package is not installed."""
    rtl = _package()
    lines = (line.strip() for line in (rtl / "cv32e40p_fpu_manifest.flist").read_text().splitlines())
    wanted = [line for line in lines if line and not line.startswith("//") and not any(word in line for word in _LEFT_OUT)]
    return [line.replace("${DESIGN_RTL_DIR}", str(rtl / "rtl")) for line in wanted if not line.endswith(("bhv", "bhv/include"))]


def _patched(core: RtlCore, files: Sequence[str], folder: Path) -> list[str]:
    """The files, with copies in `folder` in place of those that the core changes."""
    found = {Path(file).name: file for file in files if file.endswith(".sv")}
    for patch in core.patches:
        if patch.file not in found:
            raise TapeoutError(f"core {core.name}: the package {PACKAGE} has no file {patch.file}")
        text = Path(found[patch.file]).read_text()
        if text.count(patch.text) != 1:
            raise TapeoutError(f"core {core.name}: {patch.file} of {PACKAGE} has {text.count(patch.text)} times, not once: {patch.text}")
        (folder / patch.file).write_text(text.replace(patch.text, patch.instead))
        found[patch.file] = str(folder / patch.file)
    return [found.get(Path(file).name, file) for file in files]


def _package() -> Path:
    return tools.package(PACKAGE, "the RTL of CV32E40P") / "system_verilog"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tapeout" / "cv32e40p"


def _digest(core: RtlCore) -> str:
    """All that the program depends on."""
    _package()
    digest = hashlib.sha256(f"{version(PACKAGE)}\n{made_by()}\n{_OPTIONS}\n{_LEFT_OUT}\n{core}\n".encode())
    for file in ("testbench.cpp", "clock_gate.sv"):
        digest.update((FOLDER / file).read_bytes())
    return digest.hexdigest()[:16]
