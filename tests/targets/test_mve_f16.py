"""What gcc makes of a network with kernels for Helium: code beside them stays scalar, as float vectors flush subnormal f32, and as gcc 12
selects between vectors wrongly."""
from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tapeout.compiler.build import lower
from tapeout.quant.quantize import annotated_blindly
from tapeout.quant.recipe import load
from tapeout.targets import tools
from tapeout.targets.compiled import Compiled
from tapeout.targets.cortexm.target import TARGETS
from tapeout.targets.microcontroller.firmware import FLAGS
from tests.quant.float_nets import network

M55 = next(t for t in TARGETS if t.name == "cortex-m55")
VECTORS = re.compile(r"^\tv\w+\.f32\s+q\d.*", re.MULTILINE)  # of f32; those of f16 stand in the text of kernels


LOOP = "void loop(float *restrict y, const float *restrict x) { for (int i = 0; i < 64; i++) { y[i] = y[i] + x[i]; } }\n"


def assembly(source: Path, flags: Sequence[str]) -> str:
    tools.call(["arm-none-eabi-gcc", *flags, "-S", source, "-o", source.with_suffix(".s")])
    return source.with_suffix(".s").read_text()


@pytest.mark.parametrize("level", ["-O2", "-O3"])
def test_f32_stays_scalar(level: str, tmp_path: Path) -> None:
    graph = lower(annotated_blindly(network(residual=True), load("fp16-fma")))
    compiled = Compiled.write(tmp_path, "net", M55, graph)
    assert any(symbol.endswith("_f16_fma_mve") for symbol in compiled.selection.symbols().values())
    text = assembly(tmp_path / "net.c", [*M55.flags, *FLAGS, level])
    assert "vfma.f16 q" in text and VECTORS.findall(text) == []


def test_the_flag_is_what_keeps_it_so(tmp_path: Path) -> None:
    (tmp_path / "loop.c").write_text(LOOP)
    assert VECTORS.findall(assembly(tmp_path / "loop.c", [*M55.flags, *FLAGS, "-O3"])) == []
    flags = [flag.replace("+nomve.fp", "") for flag in M55.flags if flag != "-fno-tree-vectorize"]
    assert VECTORS.findall(assembly(tmp_path / "loop.c", [*flags, *FLAGS, "-O3"]))


INTEGERS = "void loop(int *restrict y, const int *restrict x) { for (int i = 0; i < 64; i++) { y[i] = y[i] + x[i]; } }\n"


def test_integers_stay_scalar(tmp_path: Path) -> None:
    (tmp_path / "loop.c").write_text(INTEGERS)
    vectors = re.compile(r"^\tv\w+\.[isu]32\s+q\d.*", re.MULTILINE)
    assert vectors.findall(assembly(tmp_path / "loop.c", [*M55.flags, *FLAGS, "-O3"])) == []
    without = [flag for flag in M55.flags if flag != "-fno-tree-vectorize"]
    assert vectors.findall(assembly(tmp_path / "loop.c", [*without, *FLAGS, "-O3"]))


def test_the_library_of_a_build_is_compiled_alike(tmp_path: Path) -> None:
    Compiled.write(tmp_path, "net", M55, lower(annotated_blindly(network(residual=True), load("fp16-fma"))))
    assert "-O2 -ffp-contract=off -fno-tree-vectorize " in (tmp_path / "CMakeLists.txt").read_text()
