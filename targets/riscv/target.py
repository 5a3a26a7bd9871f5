"""The RISC-V family: portable kernels, compiled by clang for cores of 32 bits that are named by their instruction sets, and for a core."""
from __future__ import annotations

from pathlib import Path

from ..c.target import KERNELS
from ..microcontroller.family import Family, Microcontroller
from ..microcontroller.rtl import CV32E40P, PACKED_HALVES, RtlCore
from ..microcontroller.toolchain import Toolchain
from .stack import clang_calls

CLANG = Toolchain(
    compiler="clang-19",
    prefix="riscv64-unknown-elf-",  # Debian's binary utilities serve 32 bits as well
    # Soft floats and divisions of 64 bits are those of gcc's library, which Debian has for every instruction set.
    flags=("--target=riscv32-unknown-elf", "--gcc-toolchain=/usr"),
    link_flags=("-nostdlib", "-static", "-fuse-ld=lld", "-Wl,-lgcc"),
    stack_flags=("-fstack-usage",),
    calls=clang_calls,
    stack_source="frames of clang's -fstack-usage, calls of the object files",
)
FAMILY = Family(
    Path(__file__).parent, CLANG, (".text", ".rodata", ".data", ".bss"), "qemu-system-riscv32", ("-bios", "none")
)


CLUSTER = Path(__file__).parent / "kernels" / "cluster"
CLUSTER_FLAGS = ("-DCLUSTER_TESTBENCH",)  # firmware is for the test bench, and for QEMU, whose core is one of one
PULP = Path(__file__).parent / "kernels" / "pulp"
XCV = (Path(__file__).parent / "kernels" / "xcv", KERNELS)


def _core(name: str, march: str, mabi: str, cpu: str, rtl: RtlCore | None = None) -> Microcontroller:
    """`cpu` are the properties that make QEMU's core of 32 bits one with these instructions and no others."""
    flags = (f"-march={march}", f"-mabi={mabi}", "-fno-math-errno")  # so that a fused multiply-add is an instruction, not a call
    return Microcontroller(name, (KERNELS,), FAMILY, flags, (f"virt-{name}",), ("-cpu", f"rv32,{cpu}"), rtl)


TARGETS = (
    _core("rv32imc", "rv32imc_zicsr", "ilp32", "a=false,f=false,d=false"),
    _core("rv32-zfh", "rv32imafc_zicsr_zfh", "ilp32f", "d=false,Zfh=true"),
    # The core has no A, and C without atomics none of its instructions; gcc's library is not there for imfc.
    _core("cv32e40p", "rv32imafc_zicsr", "ilp32f", "a=false,d=false", rtl=CV32E40P),
    # The same core with its own extensions, but for xcvbitmanip, of which clang 19 takes cv.fl1 for a count of leading zeros. It loads
    # words from any address.
    Microcontroller(
        "cv32e40p-xcv", XCV, FAMILY,
        ("-march=rv32imafc_zicsr_xcvalu_xcvmac_xcvmem_xcvsimd", "-mabi=ilp32f", "-mno-strict-align"), ("virt-cv32e40p-xcv",),
        rtl=CV32E40P, beyond="XCV",
    ),
    # Floats in integer registers, halves packed by two, and scalar halves that clang converts and does no arithmetic on (zhinxmin): it
    # could make a division of them, which the core's divider never ends.
    Microcontroller(
        "pulp-fp16", (PULP, CLUSTER, KERNELS), FAMILY,
        ("-march=rv32imc_zicsr_zfinx_zhinxmin_xcvmem", "-mabi=ilp32", "-mno-strict-align", "-fno-math-errno", "-DPULP_HALVES",
         *CLUSTER_FLAGS),
        ("virt-pulp-fp16",), rtl=PACKED_HALVES, beyond="packed halves", cluster=(PULP, CLUSTER),
    ),
)
