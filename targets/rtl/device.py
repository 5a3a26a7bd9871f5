"""Devices that designs are synthesized for: what they have, and what nextpnr calls them. One file per device in `devices/`."""
from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.synthesis import Resources


@dataclass(frozen=True)
class Power:
    """Picojoules of one flip-flop or table that changes, of a multiplier and of a block RAM in a cycle; milliwatts at rest, if known.

    `toggle_pj` was measured with chains of flip-flops: https://github.com/targeted/fpga-reg-power, docs/power_data.ods. `dsp_pj` and
    `bram_pj` are no measurements of the device: of M. Horowitz, "Computing's energy problem", ISSCC 2014, figure 1.1.9 (45 nm, 0.9 V), a
    multiplication of 18 bits between 0.2 pJ of 8 and 3.1 pJ of 32 bits, and half of, for RAMs of 4 kbit a quarter of, the 10 pJ of a
    cache of 8 KB that gives 64 bits.
    """

    toggle_pj: float
    dsp_pj: float
    bram_pj: float
    static_mw: float | None = None


@dataclass(frozen=True)
class Device:
    """A device. `nextpnr` are its options; `pins` is how many a design may have, `places` those of the wrapper for designs with more."""

    name: str
    family: str
    nextpnr: tuple[str, ...]
    capacity: Resources
    pins: int
    power: Power
    source: str  # the document that its capacity is from
    places: Mapping[str, int] = field(default_factory=dict)


@cache
def devices() -> dict[str, Device]:
    """All devices by name."""
    return {path.stem: _read(path) for path in sorted((Path(__file__).parent / "devices").glob("*.toml"))}


def find_device(name: str) -> Device:
    """Raises TapeoutError that lists the devices."""
    if name not in devices():
        raise TapeoutError(f"no device {name!r}; there are {', '.join(devices())}")
    return devices()[name]


def _read(path: Path) -> Device:
    entry = tomllib.loads(path.read_text())
    return Device(
        path.stem, entry["family"], tuple(entry["nextpnr"]), Resources(**entry["capacity"]), entry["pins"], Power(**entry["energy"]),
        entry["source"], entry.get("places", {}),
    )
