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

Measured {date} by `python -m benchmarks.riscv --update`: the MLPerf Tiny networks, int8 on rv32imc and cv32e40p, float32 and f16
with sums in f16 (`--recipe fp16-fma`) on rv32-zfh, by the portable kernels, compiled by clang at -O2 and executed in QEMU. Instructions are
exact; rv32imc and rv32-zfh are instruction sets and no cores, so that of them no cycles are modelled. The cycles of cv32e40p on its RTL:
[rtl.md](rtl.md). The arena holds inputs and outputs. `tests/cosim/test_riscv_mlperf.py` holds that no element differs in int8 and float32.

"""

if __name__ == "__main__":
    main("What the MLPerf Tiny networks cost on RISC-V.", BASELINE, HEAD, COMPILES)
