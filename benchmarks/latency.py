"""Fits the model of time and energy to public MLPerf Tiny runs: `python -m benchmarks.latency` prints benchmarks/latency.md.

What it fits stands in targets/cortexm/cycles.toml (`stall`, `band`) and in the board files (`power_mw`); a test compares.
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

from tapeout.targets.board import load
from tapeout.targets.microcontroller.cycles import models

NETWORKS = ("ic_resnet8", "kws_dscnn", "vww_mobilenet96", "ad_autoencoder")
ByNetwork = Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """Public runs of the four networks, from the results of MLPerf Tiny: milliseconds, and microjoules where there are some."""

    board: str
    engine: str
    milliseconds: tuple[float, ...]
    microjoules: tuple[float, ...] = ()

    @property
    def cycles(self) -> ByNetwork:
        return {n: ms * 1e-3 * load(self.board).clock_hz for n, ms in zip(NETWORKS, self.milliseconds, strict=True)}

    @property
    def milliwatts(self) -> ByNetwork:
        return {n: uj / ms for n, ms, uj in zip(NETWORKS, self.milliseconds, self.microjoules, strict=False)}


# The level of the Cortex-M4: the one run whose code is known, as it is that of the stand-in.
LEVEL = Run("nucleo-l4r5zi", "microTVM with CMSIS-NN, round 1.0", (389.6, 99.8, 301.2, 8.61))
# One closed engine on three chips, another on two: the Cortex-M7 is fitted to the first pair, the others are left out.
M4 = Run("nucleo-l4r5zi", "X-CUBE-AI 10.2, round 1.3", (165.7, 43.4, 89.4, 4.79), (5496, 1431, 3030, 160))
M7 = Run("nucleo-h7a3zi", "X-CUBE-AI 9.0, round 1.2", (40.8, 11.3, 23.8, 1.23), (5090, 1376, 2965, 166))
M33 = Run("nucleo-u575zi", "X-CUBE-AI 10.2, round 1.3", (109.5, 29.0, 59.3, 3.21), (2565, 664, 1372, 77.2))
OTHER_M4 = Run("nucleo-l4r5zi", "Plumerai, round 1.1", (167.8, 47.8, 98.8, 4.05))
OTHER_M7 = Run("stm32f746g-disco", "Plumerai, round 1.1", (62.9, 17.7, 34.1, 1.71))


def stand_in(core: str) -> ByNetwork:
    """Modelled cycles of CMSIS-NN on a core, by network, of the counts in stand_in.json, taken on a Cortex-M4."""
    counts = json.loads((Path(__file__).parent / "stand_in.json").read_text())
    return {n: models()[core].modelled({k: v for k, v in counts[n].items() if k != "instructions"}) for n in NETWORKS}


def mean(values: ByNetwork) -> float:
    """The geometric mean."""
    return exp(sum(map(log, values.values())) / len(values))


def ratio(above: ByNetwork, below: ByNetwork) -> ByNetwork:
    return {n: above[n] / below[n] for n in NETWORKS}


def scaled(values: ByNetwork, factor: float) -> ByNetwork:
    return {n: value * factor for n, value in values.items()}


@dataclass(frozen=True)
class Fit:
    """The parameters, and relative errors: of rows that are left out, and of those that the Cortex-M7 is fitted to."""

    stall: Mapping[str, float]
    left_out_level: ByNetwork  # the Cortex-M4, each network with the mean of the three others
    fitted_m7: ByNetwork
    left_out_m33: ByNetwork
    left_out_m7: ByNetwork

    @property
    def bands(self) -> Mapping[str, tuple[float, float]]:
        """The least and largest error of a core: that of the level, times that of the way from the Cortex-M4 to the core."""
        level = self.left_out_level.values()
        ways = {"cortex-m4": [0.0], "cortex-m33": self.left_out_m33.values(), "cortex-m7": self.left_out_m7.values()}
        both = {core: [(1 + a) * (1 + b) - 1 for a in level for b in way] for core, way in ways.items()}
        return {core: (min(errors), max(errors)) for core, errors in both.items()}


def fit() -> Fit:
    modelled = {core: stand_in(core) for core in ("cortex-m4", "cortex-m7", "cortex-m33")}
    level = ratio(LEVEL.cycles, modelled["cortex-m4"])
    stall_m4 = mean(level)
    left_out = {n: mean({k: v for k, v in level.items() if k != n}) / level[n] - 1 for n in NETWORKS}
    # What the same engine takes on the other core, over what the tables of both cores say of the same instructions.
    measured, tables = ratio(M7.cycles, M4.cycles), ratio(modelled["cortex-m7"], modelled["cortex-m4"])
    excess_m7 = mean(ratio(measured, tables))
    predicted_m33 = {n: M4.cycles[n] * modelled["cortex-m33"][n] / modelled["cortex-m4"][n] for n in NETWORKS}
    return Fit(
        stall={"cortex-m4": stall_m4, "cortex-m7": stall_m4 * excess_m7, "cortex-m33": stall_m4},
        left_out_level=left_out,
        fitted_m7={n: tables[n] * excess_m7 / measured[n] - 1 for n in NETWORKS},
        left_out_m33={n: predicted_m33[n] / M33.cycles[n] - 1 for n in NETWORKS},
        left_out_m7={n: OTHER_M4.cycles[n] * tables[n] * excess_m7 / OTHER_M7.cycles[n] - 1 for n in NETWORKS},
    )


CHIPS = {"cortex-m4": "STM32L4R5", "cortex-m7": "STM32F746", "cortex-m33": "STM32U575"}  # whose rows are left out


def band_text(core: str, low: float, high: float) -> str:
    return f"error band {percent(low)} to {percent(high)} on rows left out ({CHIPS[core]})"


def percent(error: float) -> str:
    return f"{round(100 * error):+d} %"


def row(title: str, values: ByNetwork, form: str) -> str:
    cells = [format(values[n], form).replace("%", " %") if n in values else "" for n in NETWORKS]
    return f"| {title} | {' | '.join(cells)} |"


MACS = {"ic_resnet8": 12_501_632, "kws_dscnn": 2_656_768, "vww_mobilenet96": 7_489_664, "ad_autoencoder": 264_192}
HEAD = f"| | {' | '.join(NETWORKS)} |\n|{'---|' * (len(NETWORKS) + 1)}"
ENERGIES = (M4, M7, M33)


def board_powers() -> Mapping[str, float]:
    """The power in milliwatts of the boards with public energies."""
    return {r.board: mean(r.milliwatts) for r in ENERGIES}


def page() -> str:
    """The text of latency.md."""
    found = fit()
    engines = ratio(M4.cycles, LEVEL.cycles)
    powers = board_powers()
    transferred = {r.board: powers[M4.board] / load(M4.board).clock_hz * load(r.board).clock_hz / powers[r.board] - 1 for r in ENERGIES}
    cycles = [row(f"modelled cycles per MAC of CMSIS-NN, {core}", ratio(stand_in(core), MACS), ".3f") for core in found.stall]
    return (Path(__file__).parent / "latency.md.in").read_text().format(
        head=HEAD,
        cycles="\n".join(cycles),
        level=row("measured / modelled cycles", ratio(LEVEL.cycles, stand_in("cortex-m4")), ".3f"),
        left_out_level=row("left out, error", found.left_out_level, "+.1%"),
        engines=row("X-CUBE-AI / CMSIS-NN", engines, ".2f"),
        fitted_m7=row("Cortex-M7, STM32H7A3: fitted", found.fitted_m7, "+.1%"),
        left_out_m33=row("Cortex-M33, STM32U575: left out", found.left_out_m33, "+.1%"),
        left_out_m7=row("Cortex-M7, STM32F746: left out", found.left_out_m7, "+.1%"),
        stalls="\n".join(f"| {core} | {s:.2f} | {band_text(core, *found.bands[core])} |" for core, s in found.stall.items()),
        powers="\n".join(row(f"{r.board}, mW", r.milliwatts, ".1f") for r in ENERGIES),
        mean_powers=", ".join(f"{board} {mw:.1f} mW" for board, mw in powers.items()),
        power_error=f"{max(abs(mw / powers[r.board] - 1) for r in ENERGIES for mw in r.milliwatts.values()):.0%}".replace("%", " %"),
        transferred=", ".join(f"{board} {percent(e)}" for board, e in transferred.items() if board != M4.board),
    )


def main() -> None:
    print(page(), end="")


if __name__ == "__main__":
    main()
