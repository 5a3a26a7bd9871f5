"""The MLPerf Tiny networks on RISC-V: in QEMU equal to the reference in every bit, their arenas as planned; and equal on a core's RTL."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.frontends.tflite import read_tflite
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.rtl.machine import RTL_CORE
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled

ELEMENTS = {"ad_autoencoder": 640, "ic_resnet8": 10, "kws_dscnn": 12, "vww_mobilenet96": 2}  # of an output


@pytest.mark.long
@pytest.mark.parametrize(("target", "kind"), [("rv32imc", "int8"), ("rv32-zfh", "float"), ("rv32-zve", "int8"), ("rv32-zve", "float")])
@pytest.mark.parametrize("name", ELEMENTS)
def test_equal_and_as_planned(name: str, target: str, kind: str, zoo: Path, tmp_path: Path) -> None:
    graph = lower(read_tflite(zoo / "mlperf_tiny" / f"{name}_{kind}.tflite", {}))
    (tmp_path / "net").mkdir()
    model = Compiled.write(tmp_path / "net", name, find_target(target), graph)
    inputs = random_inputs(graph, 4, seed=5)
    comparison = compare(run(graph, inputs), QEMU.run(model, inputs), graph)
    assert (comparison.compared, comparison.differ) == (4 * ELEMENTS[name], 0)
    assert touched(QEMU.machine, model, {key: samples[-1:] for key, samples in inputs.items()}).holds


@pytest.mark.long
@pytest.mark.parametrize("name", ELEMENTS)
def test_equal_on_the_rtl_of_cv32e40p_xcv(name: str, zoo: Path, tmp_path: Path) -> None:
    graph = lower(read_tflite(zoo / "mlperf_tiny" / f"{name}_int8.tflite", {}))
    model = Compiled.write(tmp_path, name, find_target("cv32e40p-xcv"), graph)
    inputs = random_inputs(graph, 1, seed=5)
    comparison = compare(run(graph, inputs), RTL_CORE.run(model, inputs), graph)
    assert (comparison.compared, comparison.differ) == (ELEMENTS[name], 0)
