"""Cores whose RTL we have: CV32E40P as it was verified, and with halves packed by two, as on PULP's cores, by changes to its text."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patch:
    """Changes one place of a file of the core, found by the end of its path."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class RtlCore:
    """A core in Verilator: `parameters` of its top module, and changes to copies of its files."""

    name: str
    parameters: tuple[str, ...]
    patches: tuple[Patch, ...] = ()


_COMMON = ("FPU=1", "COREV_PULP=1", "FPU_ADDMUL_LAT=1", "FPU_OTHERS_LAT=1")
CV32E40P = RtlCore("cv32e40p", (*_COMMON, "ZFINX=0"))

_PACKAGE, _WRAPPER, _BLOCK = "cv32e40p_pkg.sv", "cv32e40p_fp_wrapper.sv", "fpnew_opgroup_block.sv"
# The core's package has scalar and packed halves, but they are off, and its divider is one of FP32 alone.
PACKED_HALVES = RtlCore("cv32e40p-xf16", (*_COMMON, "ZFINX=1"), (
    Patch(_PACKAGE, "parameter bit C_XF16 = 1'b0", "parameter bit C_XF16 = 1'b1"),
    Patch(_PACKAGE, "parameter bit C_XFVEC = 1'b0", "parameter bit C_XFVEC = 1'b1"),
    Patch(
        _WRAPPER, "'{default: fpnew_pkg::MERGED},  // DIVSQRT",
        "'{fpnew_pkg::MERGED, fpnew_pkg::DISABLED, fpnew_pkg::DISABLED, fpnew_pkg::DISABLED, fpnew_pkg::DISABLED},  // DIVSQRT",
    ),
    Patch(
        _BLOCK, ".FpFmtConfig   ( FpFmtMask        )",
        ".FpFmtConfig ((OpGroup == fpnew_pkg::DIVSQRT) ? fpnew_pkg::fmt_logic_t'(5'b10000) : FpFmtMask)",
    ),
    Patch(_BLOCK, ".EnableVectors ( EnableVectors    )", ".EnableVectors ((OpGroup == fpnew_pkg::DIVSQRT) ? 1'b0 : EnableVectors)"),
))
