"""Co-simulation of designs: cycles beside those planned, the first node that differs by name, waveforms of the sample that differs."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.test_cli import refused, tapeout


@pytest.fixture(scope="module")
def jet(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jet tagger, a frame each 1024 cycles."""
    out = tmp_path_factory.mktemp("rtl") / "jet"
    path = zoo / "qonnx" / "qkeras_jettagging.onnx"
    done = tapeout("compile", path, "--target", "rtl", "--input-type", "fixed<16,6>", "--fold", "1024", "--name", "jet", "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def test_cycles_are_said_and_a_mistake_is_named_and_shown(jet: Path, tmp_path: Path) -> None:
    wave = tmp_path / "wave.fst"
    refused(2, "ends with .fst or .vcd", "cosim", jet, "--engines", "rtl", "--waveform", tmp_path / "wave.txt")
    refused(2, "name one engine that has signals", "cosim", jet, "--engines", "host", "--waveform", wave)
    done = tapeout("cosim", jet, "--engines", "rtl", "--count", "6", "--waveform", wave, "--json", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    assert "rtl: 0 / 30 elements differ; latency " in done.stdout and "a frame every 1,024 cycles (1,024 planned)" in done.stdout
    assert "nothing differs, so no waveform was written" in done.stdout and not wave.exists()
    timing = json.loads((tmp_path / "f.json").read_text())["engines"]["rtl"]["timing"]
    assert timing["interval"] == timing["planned"] == 1024 and timing["cycles"] == timing["latency"] + 5 * 1024
    tables = sorted((jet / "rtl").glob("*weights.hex"), key=lambda file: file.stat().st_size)
    assert len(tables) == 4
    largest = tables[-1]  # of a layer in the middle
    words = largest.read_text().splitlines()
    largest.write_text("\n".join([f"{int(words[0], 16) ^ 1:0{len(words[0])}x}", *words[1:]]) + "\n")
    done = tapeout("cosim", jet, "--engines", "rtl", "--count", "6", "--waveform", wave)
    node = largest.name.removeprefix("jet_").removesuffix("_weights.hex")
    assert done.returncode == 1, done.stderr
    assert re.search(rf"first at node {node} \[0,0\] of sample 0: reference -?\d+, rtl -?\d+;", done.stdout), done.stdout
    assert f"{wave} shows sample 0" in done.stdout and wave.stat().st_size > 10_000
