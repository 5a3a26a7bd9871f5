"""What the tools of an FPGA vendor say of a design, read from the reports that they wrote: Vitis HLS, and Vivado.

`csynth.xml` is described in AMD UG1399 (Vitis HLS user guide, reports of C synthesis), the tables of `report_utilization` and
`report_timing_summary` in AMD UG835. Names of rows differ by family: `Slice LUTs` of 7 series is `CLB LUTs` of UltraScale.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .errors import TapeoutError

_KINDS = {"LUT": "lut", "FF": "ff", "DSP": "dsp", "DSP48E": "dsp", "BRAM_18K": "bram_18k", "URAM": "uram"}  # tags of csynth.xml
_ROWS = {
    "Slice LUTs": "lut", "CLB LUTs": "lut", "Slice Registers": "ff", "CLB Registers": "ff", "DSPs": "dsp", "DSP Slices": "dsp",
    "Block RAM Tile": "bram_36k", "URAM": "uram",
}  # fmt: skip
_STATES = ("Synthesized", "Optimized", "Placed", "Routed")  # of a design, in the order in which Vivado gets there


@dataclass(frozen=True)
class Count:
    """Cells of a kind, such as `lut`, `ff`, `dsp`, `bram_18k` or `bram_36k`, and how many the device has; half a block RAM is 0.5."""

    kind: str
    used: float
    available: float | None = None


@dataclass(frozen=True)
class HighLevelSynthesis:
    """What Vitis HLS estimates for its top function: clock periods in nanoseconds; latency and interval in cycles, None where it says
    that they depend on data."""

    file: str
    top: str
    part: str
    target_period_ns: float | None
    estimated_period_ns: float | None
    latency_min: int | None
    latency_max: int | None
    interval_min: int | None
    interval_max: int | None
    resources: tuple[Count, ...]


@dataclass(frozen=True)
class Utilization:
    """What Vivado counts, and in which state of the design."""

    file: str
    state: str
    device: str
    resources: tuple[Count, ...]


@dataclass(frozen=True)
class TimingSummary:
    """The worst slack of setup and hold in nanoseconds; with the period of the fastest clock, the frequency that the setup slack leaves."""

    file: str
    state: str
    setup_slack_ns: float
    hold_slack_ns: float | None
    period_ns: float | None

    @property
    def fmax_hz(self) -> float | None:
        """1 / (period - slack)."""
        left = None if self.period_ns is None else self.period_ns - self.setup_slack_ns
        return None if left is None or left <= 0 else 1e9 / left


@dataclass(frozen=True)
class VendorReports:
    """The reports that were found; None for those that were not."""

    synthesis: HighLevelSynthesis | None = None
    utilization: Utilization | None = None
    timing: TimingSummary | None = None


def from_document(data: Mapping[str, Any]) -> VendorReports:
    """The inverse of `asdict`."""
    def counts(part: Mapping[str, Any]) -> dict[str, Any]:
        return {**part, "resources": tuple(Count(**count) for count in part["resources"])}

    synthesis, utilization, timing = (data[key] for key in ("synthesis", "utilization", "timing"))
    return VendorReports(
        HighLevelSynthesis(**counts(synthesis)) if synthesis else None, Utilization(**counts(utilization)) if utilization else None,
        TimingSummary(**timing) if timing else None,
    )  # fmt: skip


def read_vendor(folder: Path, top: str) -> VendorReports:
    """The reports anywhere below a folder, known by what they hold: the csynth.xml of the function `top`, and of Vivado's reports those of
    the furthest state. Raises TapeoutError when there is none, or when one is damaged."""
    if not folder.is_dir():
        raise TapeoutError(f"--vendor {folder}: no folder")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".xml", ".rpt"))
    texts = {str(path.relative_to(folder)): path.read_text(errors="replace") for path in files}
    known = ("csynth", f"{top}_csynth", f"{top}_m_axi_csynth")  # of all, or of a top function as targets/hls names it
    overall = {name: text for name, text in texts.items() if "<AreaEstimates>" in text and Path(name).stem in known}
    synthesis = [_high_level(name, overall[name]) for name in sorted(overall, key=lambda name: Path(name).stem != "csynth")[:1]]
    counted = [_utilization(name, text) for name, text in texts.items() if "Site Type" in text]
    timed = [_timing(name, text) for name, text in texts.items() if "Design Timing Summary" in text]
    if not (synthesis or counted or timed):
        raise TapeoutError(
            f"--vendor {folder}: holds no csynth.xml or {top}_csynth.xml of Vitis HLS, nor a report of Vivado's report_utilization or "
            "report_timing_summary; name the folder of the project after its synthesis"
        )
    return VendorReports(
        synthesis[0] if synthesis else None, max(counted, key=lambda report: _progress(report.state), default=None),
        max(timed, key=lambda report: _progress(report.state), default=None),
    )  # fmt: skip


def _progress(state: str) -> int:
    return _STATES.index(state) if state in _STATES else -1


def _high_level(name: str, text: str) -> HighLevelSynthesis:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise TapeoutError(f"{name}: a damaged csynth.xml ({error})") from None

    def said(path: str) -> str:
        return (root.findtext(path) or "").strip()

    latency = "PerformanceEstimates/SummaryOfOverallLatency"
    used, available = (
        {_KINDS[tag.tag]: float(tag.text or 0) for tag in root.findall(f"AreaEstimates/{group}/*") if tag.tag in _KINDS}
        for group in ("Resources", "AvailableResources")
    )
    return HighLevelSynthesis(
        name, said("UserAssignments/TopModelName"), said("UserAssignments/Part"), _number(said("UserAssignments/TargetClockPeriod")),
        _number(said("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod")), _whole(said(f"{latency}/Best-caseLatency")),
        _whole(said(f"{latency}/Worst-caseLatency")), _whole(said(f"{latency}/Interval-min")), _whole(said(f"{latency}/Interval-max")),
        tuple(Count(kind, count, available.get(kind)) for kind, count in used.items()),
    )


def _utilization(name: str, text: str) -> Utilization:
    counts: dict[str, Count] = {}
    heads: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] in ("Site Type", "Ref Name"):
            heads = cells
        kind = _ROWS.get(cells[0].rstrip("*"))
        if kind is None or kind in counts or len(cells) != len(heads) or "Used" not in heads:
            continue
        row = dict(zip(heads, cells, strict=True))
        used = _number(row["Used"])
        if used is not None:
            counts[kind] = Count(kind, used, _number(row.get("Available", "")))
    if not counts:
        raise TapeoutError(f"{name}: a table of sites without rows that are known ({', '.join(_ROWS)})")
    return Utilization(name, _state(text), _header(text, "Device"), tuple(counts.values()))


def _timing(name: str, text: str) -> TimingSummary:
    lines = [line for line in text.partition("Design Timing Summary")[2].splitlines() if line.strip()]
    at = next((i for i, line in enumerate(lines) if line.split()[:1] == ["WNS(ns)"]), None)
    rows = [line.split() for line in lines[(at if at is not None else len(lines)) + 1 :]]
    values = next((row for row in rows if set("".join(row)) != {"-"}), [])
    slack = _number(values[0]) if values else None
    if slack is None:
        raise TapeoutError(f"{name}: a timing summary without a setup slack; the design has no clock, or the report is cut")
    hold = _number(values[4]) if len(values) > 4 else None
    clocks = re.findall(r"^ *\S.*?\{[\d. ]+\}\s+([\d.]+)\s+[\d.]+\s*$", text.partition("Clock Summary")[2], re.MULTILINE)
    return TimingSummary(name, _state(text), slack, hold, min(map(float, clocks), default=None))


def _state(text: str) -> str:
    """`Fully Placed` and `Placed`, as versions differ, are one."""
    return _header(text, "Design State").removeprefix("Fully ")


def _header(text: str, key: str) -> str:
    match = re.search(rf"^\|\s*{key}\s*:\s*(.*?)\s*\|?$", text, re.MULTILINE)
    return match[1] if match else ""


def _number(text: str) -> float | None:
    try:
        return float(text.lstrip("<").replace(",", ""))
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def lines(vendor: VendorReports) -> list[str]:
    """What was found, a line each."""
    found = []
    if hls := vendor.synthesis:
        cycles = f"latency {_span(hls.latency_min, hls.latency_max)} cycles, interval {_span(hls.interval_min, hls.interval_max)}"
        periods = f"{_shown(hls.estimated_period_ns)} of {_shown(hls.target_period_ns)} ns"
        found.append(f"Vitis HLS estimates for {hls.top} on {hls.part} ({hls.file}): {cycles}; period {periods}; {_counts(hls.resources)}")
    if counted := vendor.utilization:
        found.append(f"Vivado counts on {counted.device}, {counted.state.lower()} ({counted.file}): {_counts(counted.resources)}")
    if timed := vendor.timing:
        clock = "" if timed.fmax_hz is None else f", so {timed.fmax_hz / 1e6:.1f} MHz in place of {1e3 / (timed.period_ns or 1):.1f}"
        verdict = "met" if timed.setup_slack_ns >= 0 else "not met"
        found.append(f"Vivado times, {timed.state.lower()} ({timed.file}): setup slack {timed.setup_slack_ns:g} ns, {verdict}{clock}")
    return found


def _span(low: int | None, high: int | None) -> str:
    return "not known" if low is None or high is None else f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _shown(number: float | None) -> str:
    return "?" if number is None else f"{number:g}"


def _counts(counts: tuple[Count, ...]) -> str:
    return ", ".join(f"{c.used:,.10g} {c.kind}" + (f" of {c.available:,.10g}" if c.available is not None else "") for c in counts)
