"""What the MLPerf Tiny networks cost on RISC-V: `python -m benchmarks.riscv [--check | --update]`, as benchmarks/cortexm.py has it."""
from __future__ import annotations

from benchmarks.cortexm import MODELS, ROOT, Compile, main

BASELINE = ROOT / "benchmarks" / "riscv.json"
KINDS = {"rv32imc": "int8", "rv32-zfh": "float"}  # of the networks that a core runs
COMPILES = {
    f"{model}_{kind}/{target}/time": Compile(f"{model}_{kind}.tflite", target, "time") for model in MODELS for target, kind in KINDS.items()
}
HEAD = """\
# Four networks on RISC-V

Measured {date} by `python -m benchmarks.riscv --update`: the MLPerf Tiny networks, int8 on rv32imc and float32 on rv32-zfh, by the
portable kernels, compiled by clang at -O2 and executed in QEMU. Instructions are exact; these targets are instruction sets and no cores,
so no cycles are modelled. The arena holds inputs and outputs. `tests/cosim/test_riscv_mlperf.py` holds that no element differs.

"""

if __name__ == "__main__":
    main("What the MLPerf Tiny networks cost on RISC-V.", BASELINE, HEAD, COMPILES)
