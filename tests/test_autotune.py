"""Kernels chosen by counting them: what decides, what is remembered and for how long, and that nothing is counted unless asked for."""
from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.cli import autotune
from tapeout.compiler.cli.autotune import Count, Source, alone, load, save, tune
from tapeout.compiler.errors import CheckFailed, TapeoutError
from tapeout.compiler.ir import F32, Builder, Graph, Node, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant
from tapeout.cosim import measure
from tapeout.cosim.engine import EngineFailed
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.selection import Choice, Objective, candidates, select
from tapeout.targets.strips import Arrangement
from tapeout.targets.target import Kernel, Target
from tapeout.targets.tools import MissingTool
from tests.cases import make_graph, quantized, random_codes, rng_for, scaling
from tests.test_cli import CALIBRATION, MODEL, refused, tapeout

M4 = find_target("cortex-m4")
OP = Conv2D(pads=(1, 1, 1, 1), requant=Requant(quantized(0.2, -5)))


def chain(*sizes: int) -> Graph:
    """A convolution of 8 channels for each size of its window, one after the other, with weights of their own."""
    builder, rng = Builder(), rng_for("chain")
    last = builder.input("x0", Type((1, 6, 6, 8), quantized(0.2, -5)))
    for i, size in enumerate(sizes):
        weights = builder.constant("w", random_codes(rng, (8, size, size, 8)))
        scale = [builder.constant("scale", c.data) for c in scaling([0.01] * 8)]
        op = replace(OP, pads=(size // 2,) * 4)
        last = builder.add(op, (last, weights, "", *scale), f"y{i}")
    return make_graph("chain", builder, ("x0",), (last,))


def symbols(graph: Graph, objective: Objective = Objective.TIME) -> dict[str, list[str]]:
    return {n: [k.symbol for _, k in found] for n, found in candidates(M4, graph, objective, frozenset(), Inputs.ARENA).items()}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kernels that were run in QEMU, in order."""
    found: list[str] = []
    real = measure.count

    def count(compiled: Compiled, *others: object) -> object:
        found.extend(compiled.selection.symbols().values())
        return real(compiled, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(autotune, "count", count)
    return found


def test_counts_override_a_wrong_cost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, counted: list[str]) -> None:
    """The cost model is made to praise the slowest kernel; counting finds the fastest, and the selection says who chose."""
    graph, real = chain(3), Target.variants
    fastest = select(M4, graph).symbols()["y0"]

    def price(symbol: str, graph: Graph, node: Node) -> int:
        return 1 if symbol == "conv2d_s8_direct_bytes" else 2

    def variants(self: Target, graph: Graph, node: Node) -> list[tuple[Path, Kernel]]:
        return [(path, replace(kernel, cost=partial(price, kernel.symbol))) for path, kernel in real(self, graph, node)]

    monkeypatch.setattr(Target, "variants", variants)
    assert select(M4, graph).symbols() == {"y0": "conv2d_s8_direct_bytes"}
    tuned = tune(M4, graph, symbols(graph), tmp_path / "counts.json")
    assert tuned == {"y0": fastest} and sorted(counted) == sorted(symbols(graph)["y0"])
    compiled = Compiled.write_arranged(tmp_path / "m4", "net", Arrangement(M4, graph, tuned=tuned))
    assert {n: (c.kernel.symbol, c.by) for n, c in compiled.selection.chosen.items()} == {"y0": (fastest, Choice.TUNER)}
    assert json.loads((tmp_path / "m4" / "kernels.json").read_text()) == {"y0": {"kernel": fastest, "by": "tuner"}}


def test_equal_layers_are_counted_once(tmp_path: Path, counted: list[str]) -> None:
    """Whatever their weights and names; other shapes are counted for themselves."""
    graph = chain(1, 3, 1, 3)
    tune(M4, graph, symbols(graph), tmp_path / "counts.json")
    assert len(counted) == len(symbols(graph)["y0"]) + len(symbols(graph)["y1"])


def test_what_is_known_is_not_run_again(tmp_path: Path, counted: list[str]) -> None:
    graph, file = chain(3), tmp_path / "counts.json"
    first = tune(M4, graph, symbols(graph), file)
    text, times = file.read_text(), len(counted)
    assert tune(M4, graph, symbols(graph), file) == first and len(counted) == times and file.read_text() == text
    size = symbols(graph, Objective.SIZE)  # fewer candidates of the same counts
    assert set(size["y0"]) < set(symbols(graph)["y0"])
    assert tune(M4, graph, size, file)["y0"] in size["y0"] and len(counted) == times


@pytest.mark.parametrize("change", [
    lambda row: row | {"files": "0"}, lambda row: row | {"compiler": "gcc 1"}, lambda row: row | {"call": "0"},
    lambda row: row | {"target": "cortex-m7"},
])  # fmt: skip
def test_what_is_stale_is_counted_again(change: Callable[[dict[str, str]], dict[str, str]], tmp_path: Path, counted: list[str]) -> None:
    graph, file = chain(3), tmp_path / "counts.json"
    tune(M4, graph, {"y0": ["conv2d_s8_pairs", "conv2d_s8"]}, file)
    data = json.loads(file.read_text())
    stale = change(data["counts"][0])
    file.write_text(json.dumps(data | {"counts": [stale, data["counts"][1]]}))
    counted.clear()
    tune(M4, graph, {"y0": ["conv2d_s8_pairs", "conv2d_s8"]}, file)
    assert counted == [stale["kernel"]]
    rows = json.loads(file.read_text())["counts"]
    assert data["counts"][0] in rows and data["counts"][1] in rows
    dropped = stale["target"] == "cortex-m4" and stale["call"] != "0"  # of another call or core it may still be true
    assert (stale in rows) != dropped


def test_a_changed_kernel_file_is_another_source(tmp_path: Path, counted: list[str]) -> None:
    """A file that is only included counts as well."""
    front = tmp_path / "front"
    front.mkdir()
    for name in ("conv2d_pairs.h", "high_word.h"):
        shutil.copy(M4.kernels[0] / name, front)
    target, file, own = replace(M4, kernels=(front, *M4.kernels)), tmp_path / "counts.json", {"y0": ["conv2d_s8", "conv2d_s8_pairs"]}
    tune(M4, chain(3), own, file)
    counted.clear()
    tune(target, chain(3), own, file)
    assert counted == []
    (front / "high_word.h").write_text(f"{(front / 'high_word.h').read_text()}/* changed */\n")
    tune(target, chain(3), own, file)
    assert counted == ["conv2d_s8_pairs"]


def test_a_layer_alone_is_a_network() -> None:
    """Inputs that are one value stay one; constants come along."""
    builder = Builder()
    a = builder.input("a", Type((1, 4), F32))
    builder.add(Add(), (a, a), "sum")
    layer = verify(alone(make_graph("twice", builder, ("a",), ("sum",)), builder.nodes[0]))
    assert layer.input_names == ("x0",) and layer.nodes[0].inputs[:2] == ("x0", "x0") and layer.output_names == ("y0",)
    third = alone(chain(1, 3), chain(1, 3).nodes[1])
    assert verify(third).values["c1"].type.shape == (8, 3, 3, 8)


def test_the_file_is_one_line_a_count_fastest_first(tmp_path: Path) -> None:
    a, b = (Source("cortex-m4", name, "1", "2", "gcc") for name in ("slow", "fast"))
    file, counts = tmp_path / "counts.json", {a: Count("conv2d 1x1", 20, 10), b: Count("conv2d 1x1", 10, 20)}
    save(counts, file)
    lines = [line for line in file.read_text().splitlines() if "conv2d" in line]
    assert [json.loads(line.rstrip(","))["kernel"] for line in lines] == ["fast", "slow"]
    assert load(file) == counts


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other", "counts": []}', '{"schema": "tapeout-autotune-1", "counts": [{}]}'])
def test_another_file_is_left_alone(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(TapeoutError, match=r"mine.json: not a file of counts \(.*\); remove it, or name another$"):
        tune(M4, chain(3), symbols(chain(3)), file)
    assert file.read_text() == text


def test_errors_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    graph, file = chain(3), tmp_path / "counts.json"
    with pytest.raises(TapeoutError, match=r"^--autotune: kernels are counted in QEMU, which does not run target c; leave it out$"):
        tune(find_target("c"), graph, symbols(graph), file)
    with pytest.raises(TapeoutError, match=r"^--autotune .*: there is no folder .*nowhere$"):
        tune(M4, graph, symbols(graph), tmp_path / "nowhere" / "counts.json")

    def failing(*_: object) -> object:
        raise EngineFailed("qemu", "still runs after 900 seconds")

    monkeypatch.setattr(autotune, "count", failing)
    with pytest.raises(CheckFailed, match=r"^--autotune: y0: kernel conv2d_s8\w*: qemu: still runs after 900 seconds$"):
        tune(M4, graph, symbols(graph), file)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match=r"^--autotune: arm-none-eabi-gcc is not installed; this installs it: apt-get install "):
        tune(M4, graph, symbols(graph), file)


def test_without_qemu_it_says_so(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("gcc", "arm-none-eabi-gcc", "arm-none-eabi-size", "as", "ld"):
        (tools / name).symlink_to(shutil.which(name) or name)
    command = ("compile", MODEL, "--target", "cortex-m4", "--calibrate", CALIBRATION, "-o", tmp_path / "out")
    refused(2, "--autotune: qemu-system-arm is not installed; this installs it: ", *command, "--autotune", tmp_path / "c", path=str(tools))


def test_the_command_says_who_chose(tmp_path: Path) -> None:
    """Off by default; a pin stands."""
    command = ("compile", MODEL, "--target", "cortex-m4", "--calibrate", CALIBRATION, "-o", tmp_path / "out")
    assert tapeout(*command).returncode == 0
    layers = json.loads((tmp_path / "out" / "report.json").read_text())["layers"]
    assert {row["kernel_by"] for row in layers} == {"cost", None}
    first = layers[0]["name"]
    done = tapeout(*command, "--autotune", tmp_path / "counts.json", "--kernel", f"{first}={layers[0]['kernel']}")
    assert done.returncode == 0 and f"autotune: {layers[1]['name']}: " in done.stderr
    layers = json.loads((tmp_path / "out" / "report.json").read_text())["layers"]
    assert layers[0]["kernel_by"] == "pin" and "tuner" in {row["kernel_by"] for row in layers}
    assert "chosen by" in done.stdout
