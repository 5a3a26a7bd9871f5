"""CV32E40P with its floating-point unit as a program that runs firmware: verilated from the RTL in a package of PyPI, and kept."""
from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from tapeout.targets import tools

FOLDER = Path(__file__).parent
PACKAGE = "pythondata-cpu-cv32e40p"
_PARAMETERS = ("-GFPU=1", "-GCOREV_PULP=1", "-GFPU_ADDMUL_LAT=1", "-GFPU_OTHERS_LAT=1", "-GZFINX=0")
_OPTIONS = (
    "--cc", "--exe", "--build", "-j", "2", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-CFLAGS", "-O2",
    # The warnings of its code are not ours to mend.
    "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-WIDTHCONCAT", "-Wno-UNOPTFLAT", "-Wno-BLKANDNBLK", "-Wno-MULTIDRIVEN",
    "-Wno-TIMESCALEMOD",
    "--top-module", "cv32e40p_top", *_PARAMETERS,
)
_LEFT_OUT = ("tracer_pkg", "tb_wrapper", "sva", "sim_clock_gate")  # of the core's list of files: what is for other test benches


def simulator() -> Path:
    """The test bench's program, built the first time: in a minute. Raises MissingTool or ToolFailed."""
    place = _cache() / _digest() / "testbench"
    if not place.exists():
        with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
            built = _build(Path(folder))
            place.parent.mkdir(parents=True, exist_ok=True)
            whole = place.with_suffix(f".{os.getpid()}")
            shutil.copy2(built, whole)
            whole.rename(place)  # at once, as others may build it too
    return place


def _build(folder: Path) -> Path:
    listed = folder / "files.f"
    listed.write_text("".join(f"{line}\n" for line in (*_files(), FOLDER / "clock_gate.sv")))
    tools.call(["verilator", *_OPTIONS, "--Mdir", folder / "obj", "-f", listed, FOLDER / "testbench.cpp", "-o", "testbench"])
    return folder / "obj" / "testbench"


def _files() -> list[str]:
    """The files and options of the core's own list. Raises MissingTool when the package is not installed."""
    rtl = _package()
    lines = (line.strip() for line in (rtl / "cv32e40p_fpu_manifest.flist").read_text().splitlines())
    wanted = [line for line in lines if line and not line.startswith("//") and not any(word in line for word in _LEFT_OUT)]
    return [line.replace("${DESIGN_RTL_DIR}", str(rtl / "rtl")) for line in wanted if not line.endswith(("bhv", "bhv/include"))]


def _package() -> Path:
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if found is None or found.origin is None:
        raise tools.MissingTool(f"the RTL of CV32E40P is not installed; this installs it: pip install {PACKAGE}")
    return Path(found.origin).parent / "system_verilog"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tapeout" / "cv32e40p"


def _digest() -> str:
    """All that the program depends on."""
    _package()
    made_by = subprocess.run([tools.find("verilator"), "--version"], capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256(f"{version(PACKAGE)}\n{made_by}\n{_OPTIONS}\n{_LEFT_OUT}\n".encode())
    for file in ("testbench.cpp", "clock_gate.sv"):
        digest.update((FOLDER / file).read_bytes())
    return digest.hexdigest()[:16]
