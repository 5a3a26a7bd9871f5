"""Co-simulation of designs: cycles beside those planned, the first node that differs by name, waveforms of the sample that differs."""
from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.test_cli import refused, tapeout

OPTIONS = ("--target", "rtl", "--input-type", "fixed<16,6>", "--name", "jet")


@pytest.fixture(scope="module")
def jet(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jet tagger, a frame each 1024 cycles."""
    out = tmp_path_factory.mktemp("rtl") / "jet"
    path = zoo / "qonnx" / "qkeras_jettagging.onnx"
    done = tapeout("compile", path, *OPTIONS, "--fold", "1024", "-o", out)
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
    wrong = tmp_path / "jet"
    shutil.copytree(jet, wrong)
    tables = sorted((wrong / "rtl").glob("*weights.hex"), key=lambda file: file.stat().st_size)
    assert len(tables) == 4
    largest = tables[-1]  # of a layer in the middle
    words = largest.read_text().splitlines()
    largest.write_text("\n".join([f"{int(words[0], 16) ^ 1:0{len(words[0])}x}", *words[1:]]) + "\n")
    done = tapeout("cosim", wrong, "--engines", "rtl", "--count", "6", "--waveform", wave)
    node = largest.name.removeprefix("jet_").removesuffix("_weights.hex")
    assert done.returncode == 1, done.stderr
    assert re.search(rf"first at node {node} \[0,0\] of sample 0: reference -?\d+, rtl -?\d+;", done.stdout), done.stdout
    assert f"{wave} shows sample 0" in done.stdout and wave.stat().st_size > 10_000


@pytest.mark.long
def test_a_run_that_ends_early_is_shown(jet: Path, tmp_path: Path) -> None:
    """Without the end of a frame."""
    shutil.copytree(jet, tmp_path / "jet")
    file, wave = tmp_path / "jet" / "rtl" / "fifo.sv", tmp_path / "wave.vcd"
    assert file.read_text().count("beats[tail] <= in_data") == 1
    file.write_text(file.read_text().replace("beats[tail] <= in_data", "beats[tail] <= {in_data[WIDTH-1] & 1'b0, in_data[WIDTH-2:0]}"))
    done = tapeout("cosim", tmp_path / "jet", "--engines", "rtl", "--count", "6", "--waveform", wave)
    assert done.returncode == 1 and re.search(rf"no tlast at the end of a frame in cycle \d+; {wave} shows frame 0", done.stdout)
    assert "$enddefinitions" in wave.read_text()


@pytest.mark.long
def test_weights_of_another_compile_are_loaded(zoo: Path, tmp_path: Path) -> None:
    """Words of the same network; its netlist, whose tables can be written, equals the reference; depths are those of simulation."""
    path = zoo / "qonnx" / "qkeras_jettagging.onnx"
    out = tmp_path / "jet"
    done = tapeout("compile", path, *OPTIONS, "--fold", "256", "--weight-memory", "loadable", "--fifo", "exact", "-o", out)
    assert done.returncode == 0 and "fifos: 54 bits keep a frame every 256 cycles, 108 otherwise; 5 patterns" in done.stdout, done.stderr
    done = tapeout("cosim", out, "--engines", "rtl,netlist", "--count", "100")
    assert done.returncode == 0 and done.stdout.count(": 0 / 500 elements differ; latency") == 2, done.stdout
    done = tapeout("words", out, out, "-o", tmp_path / "words.txt")
    assert done.returncode == 0 and (tmp_path / "words.txt").read_text() == (out / "rtl" / "load.txt").read_text()
    done = tapeout("compile", path, *OPTIONS, "-o", tmp_path / "rom")
    refused(2, "its weights cannot be loaded; compile with --weight-memory loadable", "words", tmp_path / "rom", out, "-o", tmp_path / "w")
