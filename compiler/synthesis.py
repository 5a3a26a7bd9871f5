"""What a design of hardware takes of a device: estimated, synthesized, placed and routed. A part of `report.json` (docs/synthesis.md)."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Resources:
    """Tables of 4 inputs, flip-flops, multipliers, block RAMs; or a device's own unit of each, which `Device` names."""

    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.lut + other.lut, self.ff + other.ff, self.dsp + other.dsp, self.bram + other.bram)

    def times(self, count: int) -> Resources:
        return Resources(self.lut * count, self.ff * count, self.dsp * count, self.bram * count)

    def named(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def total(parts: Iterable[Resources]) -> Resources:
    """The sum of all."""
    return sum(parts, Resources())


@dataclass(frozen=True)
class LayerResources:
    """One layer with the queue behind it and what changes the width of the streams that it reads. `cycles` is how many a frame takes at
    least; `used` counts cells of the netlist, and is None before synthesis; `estimated` is what was expected without it, None for a
    module that no model knows."""

    name: str
    module: str
    fold: str
    cycles: int
    estimated: Resources | None
    used: Resources | None = None

    @property
    def error_percent(self) -> dict[str, float | None]:
        """How far the estimate is off, by kind; None where nothing is used, or nothing is known."""
        if self.used is None or self.estimated is None:
            return dict.fromkeys(Resources().named())
        guess = self.estimated.named()
        return {kind: error_percent(guess[kind], used) for kind, used in self.used.named().items()}


def error_percent(estimated: float, used: float) -> float | None:
    """Of an estimate; None where nothing is used."""
    return round(100 * (estimated - used) / used, 1) if used else None


@dataclass(frozen=True)
class Routed:
    """What the place-and-route tool says: sites taken, and the clock that the slowest path between registers allows, which ends in the
    layer `slowest`."""

    placed: Resources
    fmax_hz: int
    seed: int
    asked_hz: int
    slowest: str


@dataclass(frozen=True)
class Timing:
    """Cycles, simulated without stalls: of one frame from its first beat in to its last beat out, and between frames back to back."""

    latency: int
    interval: int


@dataclass(frozen=True)
class Energy:
    """A model: nanojoules of a frame at the routed clock. `static_nj` is None where no figure of the device is known."""

    dynamic_nj: float
    static_nj: float | None


@dataclass(frozen=True)
class Synthesis:
    """A design on a device. `pins` is what a wrapper of few pins takes, where the design has more than the device (no part of `used`)."""

    device: str
    capacity: Resources
    layers: tuple[LayerResources, ...]
    pins: Resources | None = None
    timing: Timing | None = None
    routed: Routed | None = None
    energy: Energy | None = None

    @property
    def used(self) -> Resources | None:
        """Of the netlist; None before synthesis."""
        found = [layer.used for layer in self.layers if layer.used is not None]
        return total(found) if len(found) == len(self.layers) else None

    @property
    def estimated(self) -> Resources | None:
        """None when a layer has no estimate."""
        found = [layer.estimated for layer in self.layers if layer.estimated is not None]
        return total(found) if len(found) == len(self.layers) else None

    @property
    def best(self) -> Resources | None:
        """What is known best: placed, or of the netlist, or estimated."""
        return self.routed.placed if self.routed else self.used or self.estimated

    @property
    def interval(self) -> int:
        """Cycles between frames: measured, or those of the slowest layer."""
        return self.timing.interval if self.timing else max(layer.cycles for layer in self.layers)

    @property
    def latency_ns(self) -> int | None:
        """Measured cycles at the clock that was achieved."""
        return round(self.timing.latency * 1e9 / self.routed.fmax_hz) if self.timing and self.routed else None

    @property
    def energy_nj(self) -> int | None:
        """Of a frame, what it takes at rest in that time included."""
        if self.energy is None or self.energy.static_nj is None:
            return None
        return round(self.energy.dynamic_nj + self.energy.static_nj)

    @property
    def frames_per_second(self) -> int | None:
        return self.routed.fmax_hz // self.interval if self.routed else None

    def document(self) -> dict[str, Any]:
        """For `report.json`: the fields, and what follows from them."""
        layers = [asdict(layer) | {"error_percent": layer.error_percent} for layer in self.layers]
        sums = {name: asdict(value) if value else None for name, value in (("used", self.used), ("estimated", self.estimated))}
        return asdict(self) | {"layers": layers, **sums, "latency_ns": self.latency_ns, "frames_per_second": self.frames_per_second}


def from_document(data: Mapping[str, Any]) -> Synthesis:
    """The inverse of `document`. Raises KeyError or TypeError for another document."""
    layers = tuple(
        LayerResources(
            row["name"], row["module"], row["fold"], row["cycles"], _resources(row["estimated"]), _resources(row["used"])
        )
        for row in data["layers"]
    )
    routed = data["routed"] and Routed(**data["routed"] | {"placed": Resources(**data["routed"]["placed"])})
    return Synthesis(
        data["device"], Resources(**data["capacity"]), layers, _resources(data["pins"]),
        data["timing"] and Timing(**data["timing"]), routed, data["energy"] and Energy(**data["energy"]),
    )


def _resources(data: Mapping[str, int] | None) -> Resources | None:
    return None if data is None else Resources(**data)
