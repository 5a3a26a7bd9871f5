"""The RISC-V family: portable kernels, compiled by clang for cores of 32 bits that are named by their instruction sets, and for a core."""
from __future__ import annotations

from pathlib import Path

from ..c.target import KERNELS
from ..microcontroller.family import Family, Microcontroller
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


ZVE = (Path(__file__).parent / "kernels" / "zve", KERNELS)


def _core(name: str, march: str, mabi: str, cpu: str, rtl: bool = False) -> Microcontroller:
    """`cpu` are the properties that make QEMU's core of 32 bits one with these instructions and no others."""
    flags = (f"-march={march}", f"-mabi={mabi}")
    return Microcontroller(name, (KERNELS,), FAMILY, flags, (f"virt-{name}",), ("-cpu", f"rv32,{cpu}"), rtl)


TARGETS = (
    _core("rv32imc", "rv32imc_zicsr", "ilp32", "a=false,f=false,d=false"),
    _core("rv32-zfh", "rv32imafc_zicsr_zfh", "ilp32f", "d=false,Zfh=true"),
    # Vectors of 64 bits or more, which clang builds for the same way; kernels ask the core for their length, here 128.
    Microcontroller(
        "rv32-zve", ZVE, FAMILY, ("-march=rv32imafc_zicsr_zfh_zve32f_zvfh_zvl64b", "-mabi=ilp32f"), ("virt-rv32-zve",),
        ("-cpu", "rv32,d=false,Zfh=true,Zve32f=true,vlen=128"),
    ),
    # The core has no A, and C without atomics none of its instructions; gcc's library is not there for imfc.
    _core("cv32e40p", "rv32imafc_zicsr", "ilp32f", "a=false,d=false", rtl=True),
)
