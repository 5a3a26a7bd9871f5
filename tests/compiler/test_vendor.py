"""Reports of Vitis HLS and Vivado, as far as they are read.

The files are small ones of our own. Vivado's have the numbers of a public routed design, `LFC-PYNQ` (its network description, "Utilization
reports using Vivado Design Suite 2017.4"), but for half a block RAM more.
"""
from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.vendor import Count, from_document, lines, read_vendor

CSYNTH = """<?xml version="1.0" encoding="UTF-8"?>
<profile>
  <UserAssignments><unit>ns</unit><Part>xcu250-figd2104-2L-e</Part><TopModelName>net</TopModelName>
    <TargetClockPeriod>5.00</TargetClockPeriod></UserAssignments>
  <PerformanceEstimates>
    <SummaryOfTimingAnalysis><unit>ns</unit><EstimatedClockPeriod>3.647</EstimatedClockPeriod></SummaryOfTimingAnalysis>
    <SummaryOfOverallLatency><Best-caseLatency>16</Best-caseLatency><Worst-caseLatency>18</Worst-caseLatency>
      <Interval-min>1</Interval-min><Interval-max>1</Interval-max></SummaryOfOverallLatency>
  </PerformanceEstimates>
  <AreaEstimates>
    <Resources><BRAM_18K>4</BRAM_18K><DSP>171</DSP><FF>9744</FF><LUT>19834</LUT><URAM>0</URAM></Resources>
    <AvailableResources><BRAM_18K>5376</BRAM_18K><DSP>12288</DSP><FF>3456000</FF><LUT>1728000</LUT><URAM>1280</URAM></AvailableResources>
  </AreaEstimates>
</profile>
"""
UTILIZATION = """| Design       : top
| Device       : 7z020clg400-1
| Design State : {state}
1. Slice Logic
+----------------------------+-------+-------+-----------+-------+
|          Site Type         |  Used | Fixed | Available | Util% |
+----------------------------+-------+-------+-----------+-------+
| Slice LUTs{star}           | {lut} |     0 |     53200 | 47.67 |
|   LUT as Logic             | 22376 |     0 |     53200 | 42.06 |
| Slice Registers            | 31500 |     0 |    106400 | 29.61 |
+----------------------------+-------+-------+-----------+-------+
2. Memory
| Site Type      | Used  | Fixed | Prohibited | Available | Util% |
| Block RAM Tile | 110.5 |     0 |          0 |       140 | 78.92 |
3. DSP
| Site Type | Used | Fixed | Available | Util% |
| DSPs      |    4 |     0 |       220 |  1.82 |
"""
TIMING = """| Device       : 7z020-clg400
| Design State : Routed
------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  THS Failing Endpoints
    -------      -------  ---------------------  -------------------      -------      -------  ---------------------
      {slack}        0.000                      0                93621        0.018        0.000                      0

------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------

Clock       Waveform(ns)       Period(ns)      Frequency(MHz)
-----       ------------       ----------      --------------
clk_slow    {{0.000 10.000}}     20.000          50.000
  clk_fpga_0  {{0.000 5.000}}    10.000          100.000
"""


def project(folder: Path) -> Path:
    """As the tools leave it: estimates of each function, reports of synthesis and of the routed design."""
    reports = folder / "net_prj" / "solution1" / "syn" / "report"
    reports.mkdir(parents=True)
    (reports / "csynth.xml").write_text(CSYNTH)
    (reports / "dense_csynth.xml").write_text(CSYNTH.replace("19834", "1").replace(">net<", ">dense<"))
    (folder / "top_utilization_synth.rpt").write_text(UTILIZATION.format(state="Synthesized", star="*", lut=29999))
    (folder / "top_utilization_placed.rpt").write_text(UTILIZATION.format(state="Fully Placed", star="", lut=25358))
    (folder / "top_timing_summary_routed.rpt").write_text(TIMING.format(slack="0.221"))
    (folder / "unrelated.rpt").write_text("| Report DRC |")
    return folder


def test_what_is_found(tmp_path: Path) -> None:
    found = read_vendor(project(tmp_path), "net")
    assert found.synthesis and found.utilization and found.timing
    assert (found.synthesis.top, found.synthesis.part) == ("net", "xcu250-figd2104-2L-e")
    assert (found.synthesis.latency_min, found.synthesis.latency_max, found.synthesis.interval_max) == (16, 18, 1)
    assert (found.synthesis.target_period_ns, found.synthesis.estimated_period_ns) == (5.0, 3.647)
    assert Count("lut", 19834, 1728000) in found.synthesis.resources and Count("bram_18k", 4, 5376) in found.synthesis.resources
    assert (found.utilization.state, found.utilization.device) == ("Placed", "7z020clg400-1")
    assert found.utilization.resources == (
        Count("lut", 25358, 53200), Count("ff", 31500, 106400), Count("bram_36k", 110.5, 140), Count("dsp", 4, 220),
    )
    assert (found.timing.setup_slack_ns, found.timing.hold_slack_ns, found.timing.period_ns) == (0.221, 0.018, 10.0)
    assert found.timing.fmax_hz == pytest.approx(102.26e6, rel=1e-4)
    assert from_document(json.loads(json.dumps(asdict(found)))) == found


def test_what_is_said(tmp_path: Path) -> None:
    assert lines(read_vendor(project(tmp_path), "net")) == [
        "Vitis HLS estimates for net on xcu250-figd2104-2L-e (net_prj/solution1/syn/report/csynth.xml): latency 16 to 18 cycles, "
        "interval 1; period 3.647 of 5 ns; 4 bram_18k of 5,376, 171 dsp of 12,288, "
        "9,744 ff of 3,456,000, 19,834 lut of 1,728,000, 0 uram of 1,280",
        "Vivado counts on 7z020clg400-1, placed (top_utilization_placed.rpt): 25,358 lut of 53,200, 31,500 ff of 106,400, "
        "110.5 bram_36k of 140, 4 dsp of 220",
        "Vivado times, routed (top_timing_summary_routed.rpt): setup slack 0.221 ns, met, so 102.3 MHz in place of 100.0",
    ]


def test_a_slack_that_is_not_there_and_a_latency_that_depends_on_data(tmp_path: Path) -> None:
    (tmp_path / "net_csynth.xml").write_text(CSYNTH.replace(">16<", ">undef<").replace(">18<", ">undef<"))
    (tmp_path / "timing.rpt").write_text(TIMING.format(slack="-2.192"))
    first, second = lines(read_vendor(tmp_path, "net"))
    assert "latency not known cycles" in first and "setup slack -2.192 ns, not met, so 82.0 MHz" in second
    (tmp_path / "timing.rpt").write_text(TIMING.format(slack="NA"))
    with pytest.raises(TapeoutError, match=r"timing\.rpt: a timing summary without a setup slack"):
        read_vendor(tmp_path, "net")


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TapeoutError, match=r"holds no csynth\.xml or net_csynth\.xml of Vitis HLS"):
        read_vendor(tmp_path, "net")
    with pytest.raises(TapeoutError, match="no folder"):
        read_vendor(tmp_path / "none", "net")
    (tmp_path / "csynth.xml").write_text(CSYNTH[:-20])
    with pytest.raises(TapeoutError, match=r"csynth\.xml: a damaged csynth\.xml"):
        read_vendor(tmp_path, "net")
    (tmp_path / "csynth.xml").write_text("<profile/>")
    (tmp_path / "utilization.rpt").write_text("| Site Type | Used |\n| Buffers | 3 |\n")
    with pytest.raises(TapeoutError, match=r"utilization\.rpt: a table of sites without rows that are known"):
        read_vendor(tmp_path, "net")
