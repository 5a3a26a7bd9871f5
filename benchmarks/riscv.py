"""What the MLPerf Tiny networks cost on RISC-V: `python -m benchmarks.riscv [--check | --update]`, as benchmarks/cortexm.py."""
from __future__ import annotations

from benchmarks.cortexm import MODELS, ROOT, Compile, main

BASELINE = ROOT / "benchmarks" / "riscv.json"
KINDS = (  # the target, the networks that it runs, and what stands behind --optimize
    ("rv32imc", "int8", "time"), ("cv32e40p", "int8", "time"), ("rv32-zfh", "float", "time"),
    ("rv32-zfh", "float", "time --recipe fp16"), ("rv32-zfh", "float", "time --recipe fp16-fma"),
    ("rv32-zve", "int8", "time"), ("rv32-zve", "float", "time"),
    ("rv32-zve", "float", "time --recipe fp16"), ("rv32-zve", "float", "time --recipe fp16-fma"),
)
COMPILES = {
    f"{model}_{kind}/{target}/{options}": Compile(f"{model}_{kind}.tflite", target, options)
    for model in MODELS for target, kind, options in KINDS
}
HEAD = """\
# Four networks on RISC-V

Measured {date} by `python -m benchmarks.riscv --update`: the MLPerf Tiny networks, int8, float32 (`time`), f16 with sums in f32
(`--recipe fp16`) and f16 with sums in f16 (`--recipe fp16-fma`), compiled by clang at -O2 and executed in QEMU. rv32imc, cv32e40p and
rv32-zfh run the portable kernels, rv32-zve its own with vectors of 128 bits. Instructions are exact, a vector instruction being one; all
but cv32e40p are instruction sets and no cores, so that of them no cycles are modelled. The cycles of cv32e40p on its RTL:
[rtl.md](rtl.md). The arena holds inputs, outputs and scratch. `tests/cosim/test_riscv_mlperf.py` holds that no element differs in
int8 and float32.

On rv32-zve the portable kernels, of which clang makes vectors where it can, take 0.518 (AD), 39.8 (IC) and 17.3 (KWS) million instructions
in int8, 30.2 (IC) and 12.4 (KWS) in float32.

"""

if __name__ == "__main__":
    main("What the MLPerf Tiny networks cost on RISC-V.", BASELINE, HEAD, COMPILES)
