"""The Cortex-M family: portable kernels, and faster ones in front of them, compiled by gcc for each core."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..c.target import KERNELS
from ..microcontroller.family import Family, Microcontroller
from ..microcontroller.toolchain import Toolchain
from ..target import Target
from .stack import gcc_calls

GCC = Toolchain(
    compiler="arm-none-eabi-gcc",
    prefix="arm-none-eabi-",
    flags=(),
    link_flags=("--specs=nano.specs",),  # the small C library is there for memcpy and memset, which gcc calls by itself
    stack_flags=("-fcallgraph-info=su",),
    calls=gcc_calls,
    stack_source="frames of gcc's call graph",
)
FAMILY = Family(
    Path(__file__).parent, GCC, (".vectors", ".text", ".rodata", ".ARM.extab", ".ARM.exidx", ".data", ".bss"), "qemu-system-arm"
)


@dataclass(frozen=True)
class CortexM(Microcontroller):
    """A core of Arm's M profile."""

    def backed(self, back_end: str) -> Target:
        from .cmsis_nn import CmsisNN

        return CmsisNN.of(self) if back_end == CmsisNN.BACK_END else super().backed(back_end)


OWN = Path(__file__).parent / "kernels"
THUMB = (OWN / "thumb", KERNELS)
DSP = (OWN / "dsp", OWN / "fpu", KERNELS)  # all of them have a scalar float unit, too
MVE = (OWN / "mve", *DSP)  # Helium cores have the DSP extension as well


def _core(name: str, floats: str, *qemu: str, features: str = "", kernels: tuple[Path, ...] = (KERNELS,)) -> CortexM:
    return CortexM(name, kernels, FAMILY, (f"-mcpu={name}{features}", "-mthumb", *floats.split()), qemu)


TARGETS = (
    # The micro:bit's 16 KiB of RAM are few; the M3 of the other board runs the same code.
    _core("cortex-m0", "-mfloat-abi=soft", "microbit", "mps2-an385", kernels=THUMB),
    _core("cortex-m3", "-mfloat-abi=soft", "mps2-an385", kernels=THUMB),
    _core("cortex-m4", "-mfpu=fpv4-sp-d16 -mfloat-abi=hard", "mps2-an386", kernels=DSP),
    _core("cortex-m7", "-mfpu=fpv5-d16 -mfloat-abi=hard", "mps2-an500", kernels=DSP),
    _core("cortex-m33", "-mfpu=fpv5-sp-d16 -mfloat-abi=hard", "mps2-an505", kernels=DSP),
    # Float vector instructions flush subnormal numbers to zero (Armv8-M reference manual, StandardFPSCRValue); without mve.fp floats
    # stay scalar and keep every bit. Plain loops stay scalar altogether, as gcc 12 gets selections between vectors wrong: it makes the
    # predicate of `i < 1 ? i : 0`, which it knows, all ones. Kernels have vector instructions of their own.
    _core("cortex-m55", "-mfloat-abi=hard -fno-tree-vectorize", "mps3-an547", features="+nomve.fp", kernels=MVE),
)
