"""A model of what a design takes: cells that change in a share of the cycles, multipliers and block RAMs in each, and the device at rest.

No error is known: constants are public measurements of chains of flip-flops and figures of a textbook (`device.py`), not of designs.
"""
from __future__ import annotations

from tapeout.compiler.synthesis import Energy, Resources, Routed, Timing

from .device import Device

# The share of cycles in which a table or a flip-flop changes: what power estimators of vendors start from, such as Intel's Early Power
# Estimator (its user guide for Cyclone 10 LP, UG-20094, logic worksheet).
ACTIVITY = 0.125


def model_energy(used: Resources, timing: Timing, routed: Routed, device: Device) -> Energy:
    """Of a frame in a row of frames, which takes `timing.interval` cycles."""
    power = device.power
    picojoules = ACTIVITY * power.toggle_pj * (used.lut + used.ff) + power.dsp_pj * used.dsp + power.bram_pj * used.bram
    nanoseconds = timing.interval * 1e9 / routed.fmax_hz
    static = None if power.static_mw is None else round(power.static_mw * nanoseconds * 1e-3, 3)
    return Energy(round(picojoules * timing.interval * 1e-3, 3), static)
