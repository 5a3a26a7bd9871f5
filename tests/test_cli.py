"""The commands as a user calls them: exit statuses, one clear line for bad input, nothing lost or half-written."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tflite import BuiltinOperator

from tapeout.compiler.ir import Array
from tests.tflite_writer import Operator, Tensor, write

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / "examples" / "digits"
MODEL = DIGITS / "digits.onnx"
CALIBRATION = DIGITS / "digits_calibration.npz"


def tapeout(*arguments: object, path: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "tapeout"), *map(str, arguments)]
    environment = {**os.environ, **({"PATH": path} if path is not None else {})}
    environment.pop("TAPEOUT_TRACEBACK", None)
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def refused(status: int, message: str, *arguments: object, path: str | None = None) -> None:
    """The command ends with this status and one line that holds `message`."""
    done = tapeout(*arguments, path=path)
    assert message in done.stderr, done.stderr
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("tapeout: ") and done.stderr.count("\n") == 1, done.stderr


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits network in int8 for a Cortex-M4."""
    folder = tmp_path_factory.mktemp("cli") / "digits"
    done = tapeout("compile", MODEL, "--target", "cortex-m4", "--calibrate", CALIBRATION, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits network in float32 for the host."""
    folder = tmp_path_factory.mktemp("cli") / "digits"
    done = tapeout("compile", MODEL, "--target", "c", "--name", "digits32", "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_report_has_the_promised_figures(bundle: Path) -> None:
    report = json.loads(tapeout("report", bundle, "--json").stdout)
    memory, totals = report["memory"], report["totals"]
    names = (report["schema"], report["model"]["name"], report["target"], report["board"])
    assert names == ("tapeout-report-1", "digits", "cortex-m4", None)
    assert memory["arena_bytes"] == memory["arena_touched_bytes"] >= memory["arena_lower_bound_bytes"] > 0
    assert memory["ram_bytes"] == memory["data_bytes"] + memory["bss_bytes"] + memory["stack_bytes"] > memory["arena_bytes"]
    assert memory["flash_bytes"] > memory["weight_bytes"] > 0
    assert totals["macs"] >= totals["macs_executed"] > 0
    assert 0.8 * totals["instructions"] < sum(layer["instructions"] for layer in report["layers"]) < 1.2 * totals["instructions"]
    assert totals["macs_executed"] == sum(layer["macs_executed"] for layer in report["layers"])
    for part in (totals, *(layer for layer in report["layers"] if layer["instructions"])):
        assert sum(part["classes"].values()) == part["instructions"] < part["cycles"]
        assert part["latency_ns"] is part["energy_nj"] is None  # they need a board
    assert report["inputs"][0]["source_shape"] == [1, 1, 8, 8] and report["inputs"][0]["shape"] == [1, 8, 8, 1]


def test_report_as_a_table(bundle: Path) -> None:
    shown = tapeout("report", bundle).stdout
    for word in ("digits for cortex-m4", "flash", "arena", "stack", "whole run", "measured in QEMU"):
        assert word in shown


def test_compile_is_deterministic(bundle: Path, tmp_path: Path) -> None:
    assert tapeout("compile", MODEL, "--target", "cortex-m4", "--calibrate", CALIBRATION, "-o", tmp_path / "again").returncode == 0
    first, second = ({f.relative_to(d): f.read_bytes() for f in d.rglob("*") if f.is_file()} for d in (bundle, tmp_path / "again"))
    assert first == second
    assert not any(str(ROOT).encode() in content for content in first.values())


def test_cosim_is_equal_everywhere_and_writes_what_is_asked(bundle: Path, tmp_path: Path) -> None:
    done = tapeout(
        "cosim", bundle, "--inputs", DIGITS / "digits_test.npz", "--count", 40, "--threshold", "accuracy=0.9,cosine=0.98",
        "--junit", tmp_path / "j.xml", "--json", tmp_path / "j.json", "--save", tmp_path / "s.npz",
    )
    assert done.returncode == 0, done.stderr
    assert "reference: 400 elements computed" in done.stdout
    for engine in ("host", "host-asan", "qemu"):
        assert f"{engine}: 0 / 400 elements differ" in done.stdout
    summary = json.loads((tmp_path / "j.json").read_text())
    assert {e: (r["compared"], r["differ"], r["first"]) for e, r in summary["engines"].items()} == dict.fromkeys(
        ("reference", "host", "host-asan", "qemu"), (400, 0, None)
    )
    assert summary["quality"]["accuracy"] > 0.9
    suite = ET.parse(tmp_path / "j.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("5", "0")
    with np.load(tmp_path / "s.npz") as saved, np.load(DIGITS / "digits_test.npz") as source:
        assert np.array_equal(saved["inputs/image"], source["image"][:40])
        assert np.array_equal(saved["qemu/logits"], saved["reference/logits"]) and saved["host/logits"].shape == (40, 10)


def test_cosim_finds_a_changed_kernel(bundle: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-r", bundle, broken], check=True)
    kernel = broken / "cortex-m4" / "kernels" / "conv2d_pairs.h"
    text = kernel.read_text()
    assert "conv_pairs_put(row, e++, p->x_zero, p->x_zero)" in text
    kernel.write_text(text.replace("conv_pairs_put(row, e++, p->x_zero, p->x_zero)", "conv_pairs_put(row, e++, p->x_zero + 9, p->x_zero)"))
    done = tapeout("cosim", broken, "--engines", "host,qemu", "--count", 4, "--junit", tmp_path / "j.xml")
    assert done.returncode == 1
    assert "host: 0 / 40 elements differ" in done.stdout
    assert "elements differ; first at node " in done.stderr and "qemu: " in done.stderr
    assert ET.parse(tmp_path / "j.xml").getroot().get("failures") == "1"


def test_cosim_below_a_threshold(portable: Path) -> None:
    test = DIGITS / "digits_test.npz"
    refused(1, "accuracy 0.99", "cosim", portable, "--inputs", test, "--engines", "host", "--threshold", "accuracy=0.999")


def test_float_network_has_no_differing_bit(portable: Path) -> None:
    done = tapeout("cosim", portable)
    assert done.returncode == 0, done.stderr
    assert "host: 0 / 160 elements differ" in done.stdout and "qemu" not in done.stdout
    assert json.loads((portable / "report.json").read_text())["totals"]["instructions"] is None


def test_codes_between_float_ports_are_no_float_model(tmp_path: Path) -> None:
    x, q, y = Tensor("x", (1, 4), "float32"), Tensor("q", (1, 4), "int8", (0.5,), (3,)), Tensor("y", (1, 4), "float32")
    steps = [Operator(BuiltinOperator.QUANTIZE, ("x",), ("q",), "", {}), Operator(BuiltinOperator.DEQUANTIZE, ("q",), ("y",), "", {})]
    (tmp_path / "net.tflite").write_bytes(write([x, q, y], steps, ["x"], ["y"]))
    assert tapeout("compile", tmp_path / "net.tflite", "--target", "c", "-o", tmp_path / "out").returncode == 0
    done = tapeout("cosim", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "host: 0 / 64 elements differ" in done.stdout and "quality: not measured" in done.stdout


def test_over_budget_is_written_and_names_the_heaviest_layer(tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(1, "over budget: flash", "compile", MODEL, "--target", "cortex-m4", "--budget", "flash=4k,ram=1M", "-o", out)
    report = json.loads((out / "report.json").read_text())
    assert [(b["quantity"], b["met"]) for b in report["budgets"]] == [("flash", False), ("ram", True)]
    heaviest = max(report["layers"], key=lambda layer: layer["weight_bytes"])
    assert heaviest["name"] in report["budgets"][0]["heaviest"]


def test_a_board_implies_its_target_and_its_memory(tmp_path: Path) -> None:
    assert tapeout("compile", MODEL, "--board", "nucleo-l4r5zi", "-o", tmp_path / "out").returncode == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["target"], report["board"]) == ("cortex-m4", "nucleo-l4r5zi")
    assert [(b["quantity"], b["limit"], b["source"]) for b in report["budgets"]] == [
        ("flash", 2048 << 10, "memory of nucleo-l4r5zi"), ("ram", 640 << 10, "memory of nucleo-l4r5zi"),
    ]


@pytest.mark.parametrize(("limit", "layer"), [("latency=10us", "latency_ns"), ("energy=5uJ", "energy_nj")])
def test_over_a_budget_of_time_or_energy(limit: str, layer: str, tmp_path: Path) -> None:
    out, quantity = tmp_path / "out", limit.partition("=")[0]
    refused(1, f"over budget: {quantity}", "compile", MODEL, "--board", "nucleo-l4r5zi", "--budget", limit, "-o", out)
    report = json.loads((out / "report.json").read_text())
    totals = report["totals"]
    assert abs(totals["latency_ns"] - totals["cycles"] * 1.31 / 0.12) <= 1
    assert abs(totals["energy_nj"] - totals["latency_ns"] * 0.0334) <= 1
    heaviest = max(report["layers"], key=lambda row: row[layer] or 0)
    assert report["budgets"][0]["value"] == totals[layer] and heaviest["name"] in report["budgets"][0]["heaviest"]
    assert "error band -12 % to +8 % on rows left out (STM32L4R5)" in report["figures"][f"totals.{layer}"]
    assert "per MAC" in tapeout("report", out).stdout


def test_a_budget_of_time_or_energy_says_what_it_needs(tmp_path: Path) -> None:
    arguments = ("compile", MODEL, "-o", tmp_path / "out")
    refused(2, "budget latency: there is no modelled figure; it needs a board, whose clock counts; give --board",
            *arguments, "--target", "cortex-m4", "--budget", "latency=50ms")
    refused(2, "budget energy: there is no modelled figure; it needs a board whose power is known",
            *arguments, "--board", "nucleo-f446re", "--budget", "energy=5mJ")


@pytest.fixture
def no_arm(tmp_path: Path) -> str:
    """A search path with the host's programs but without the Arm compiler and simulator."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for place in ("/usr/bin", "/bin"):
        for program in Path(place).iterdir():
            if not program.name.startswith(("arm-none-eabi", "qemu")) and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return str(folder)


def test_missing_tools_give_null_figures_and_a_warning(no_arm: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = tapeout("compile", MODEL, "--target", "cortex-m4", "-o", out, path=no_arm)
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "report.json").read_text())
    assert report["memory"]["flash_bytes"] is report["totals"]["instructions"] is report["memory"]["stack_bytes"] is None
    assert len(report["warnings"]) == 1 and "apt-get install gcc-arm-none-eabi" in report["warnings"][0]
    refused(2, "apt-get install", "cosim", out, "--engines", "qemu", path=no_arm)


def test_missing_tools_and_a_budget_that_needs_them(no_arm: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(2, "budget flash", "compile", MODEL, "--target", "cortex-m4", "--budget", "flash=1M", "-o", out, path=no_arm)
    assert not out.exists()


def broken_model(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.onnx"
    content = MODEL.read_bytes()
    if kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "text":
        path.write_text("this is no model\n")
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        model = onnx.load_from_string(content)
        if kind == "nan":
            tensor = model.graph.initializer[0]
            array = onnx.numpy_helper.to_array(tensor).copy()
            array.flat[0] = np.nan
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
        elif kind == "unknown_op":
            model.graph.node[0].op_type = "Frobnicate"
        elif kind == "dynamic":
            model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
        onnx.save(model, path)
    return path


@pytest.mark.parametrize(("kind", "message"), [
    ("truncated", "truncated.onnx"), ("text", "text.onnx"), ("empty", "empty.onnx"), ("nan", "NaN"), ("unknown_op", "Frobnicate"),
    ("dynamic", "--shape image="),
])
def test_bad_models_are_one_line_and_leave_nothing(kind: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    refused(2, message, "compile", broken_model(tmp_path / "in", kind), "--target", "c", "-o", tmp_path / "out" / "x")
    assert not (tmp_path / "out" / "x").exists()
    assert not list(tmp_path.glob("out/.*"))


def test_a_failed_compile_leaves_the_old_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert tapeout("compile", MODEL, "--target", "c", "-o", out).returncode == 0
    before = {f: f.read_bytes() for f in out.rglob("*") if f.is_file()}
    refused(2, "nan.onnx", "compile", broken_model(tmp_path, "nan"), "--target", "c", "-o", out)
    assert {f: f.read_bytes() for f in out.rglob("*") if f.is_file()} == before


@pytest.mark.parametrize(("name", "array", "message"), [
    ("shape", np.zeros((5, 7, 8), np.float32), "Nx1x8x8"),
    ("nan", np.full((5, 1, 8, 8), np.nan, np.float32), "NaN"),
    ("none", np.zeros((0, 1, 8, 8), np.float32), "no samples"),
    ("double", np.zeros((5, 1, 8, 8), np.float64), "float64"),
])
def test_bad_calibration_is_one_line(name: str, array: Array, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / f"{name}.npz", image=array)
    refused(2, message, "compile", MODEL, "--target", "c", "--calibrate", tmp_path / f"{name}.npz", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("arguments", "message"), [
    (("compile", "missing.onnx", "--target", "c", "-o", "out"), "missing.onnx"),
    (("compile", MODEL, "--target", "z80", "-o", "out"), "no target 'z80'; there are c, cortex-m0"),
    (("compile", MODEL, "--board", "toaster", "-o", "out"), "no board 'toaster'; there are microbit"),
    (("compile", MODEL, "--board", "nucleo-l4r5zi", "--target", "c", "-o", "out"), "has a cortex-m4"),
    (("compile", MODEL, "-o", "out"), "--target T or --board B"),
    (("compile", MODEL, "--target", "c"), "-o"),
    (("compile", MODEL, "--target", "c", "--budget", "speed=3", "-o", "out"), "no budget 'speed'"),
    (("compile", MODEL, "--target", "c", "--budget", "flash=3", "-o", "out"), "budget flash"),
    (("compile", MODEL, "--target", "c", "--name", "9 lives", "-o", "out"), "--name"),
    (("compile", MODEL, "--target", "c", "--shape", "image=8by8", "-o", "out"), "--shape"),
    (("compile", MODEL, "--target", "c", "--shape", "nosuch=1x1x8x8", "-o", "out"), "nosuch"),
    (("compile", MODEL, "--target", "c", "--calibrate", "missing.npz", "-o", "out"), "missing.npz"),
    (("compile", MODEL, "--target", "c", "--name", "string", "-o", "out"), "taken by the C library"),
    (("compile", MODEL, "--target", "c", "--shape", "image=1x1x8x8", "--shape", "image=1x1x8x8", "-o", "out"), "given twice"),
    (("compile", MODEL, "--target", "c", "-o", "."), "current folder"),
    (("compile", MODEL, "--target", "c", "--recipe", "int8", "-o", "out"), "needs inputs; give --calibrate"),
    (("compile", MODEL, "--target", "c", "--recipe", "fp16", "--io", "int8", "-o", "out"), "recipe fp16 makes no codes"),
    (("compile", MODEL, "--target", "c", "--recipe", "fp16", "--improve", "adaround", "-o", "out"), "give --calibrate"),
    (("cosim", "missing"), "tapeout compile"),
    (("report", "missing"), "tapeout compile"),
    (("inspect", MODEL, "--after", "nosuch"), "nosuch"),
    (("inspect", "missing.onnx"), "missing.onnx"),
    (("frobnicate",), "frobnicate"),
    ((), "Missing command"),
])
def test_bad_usage_is_one_line(arguments: tuple[object, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(2, message, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "message"), [
    (("--engines", "vhdl"), "no engine 'vhdl'"),
    (("--inputs", "missing.npz"), "missing.npz"),
    (("--inputs", DIGITS / "digits_test.npz", "--count", 100000), "--count asks for 100000"),
    (("--threshold", "speed=1"), "keys are"),
    (("--threshold", "accuracy=0.5"), "there are no labels"),
    (("--inputs", DIGITS / "digits_test.npz", "--labels-key", "nosuch"), "no labels 'nosuch'"),
    (("--float", DIGITS / "train.py"), "neither ONNX nor TensorFlow Lite"),
    (("--json", "/no/such/folder/j"), "there is no folder"),
    (("--save", "/"), "it is a folder"),
])
def test_bad_cosim_usage_is_one_line(portable: Path, arguments: tuple[object, ...], message: str) -> None:
    refused(2, message, "cosim", portable, *arguments)


@pytest.mark.parametrize(("labels", "message"), [
    (np.arange(4), "labels 'y' are [4], there are 5 samples"), (np.arange(5.0), "float64"), (np.array(list("abcde")), "class"),
])
def test_bad_labels_are_one_line(portable: Path, labels: Array, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", image=np.zeros((5, 1, 8, 8), np.float32), y=labels)
    refused(2, message, "cosim", portable, "--inputs", tmp_path / "x.npz", "--engines", "reference")


def test_a_bare_array_is_one_line(portable: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 1, 8, 8), np.float32))
    refused(2, "one bare array", "cosim", portable, "--inputs", tmp_path / "x.npy")


def many_ports(folder: Path, batch: int) -> Path:
    """A model with two inputs and three outputs, one of them on the way and one without axes, and weights in a file beside it."""
    nodes = [
        onnx.helper.make_node("Conv", ["image", "w"], ["features"], pads=[1] * 4),
        onnx.helper.make_node("GlobalAveragePool", ["features"], ["pooled"]),
        onnx.helper.make_node("Flatten", ["pooled"], ["flat"]),
        onnx.helper.make_node("Add", ["flat", "offset"], ["sum/out:0"]),
        onnx.helper.make_node("ReduceMean", ["sum/out:0"], ["mean"], keepdims=0),
    ]
    floats = onnx.TensorProto.FLOAT
    shapes = {"image": (batch, 3, 6, 5), "offset": (batch, 4)}
    weights = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    graph = onnx.helper.make_graph(
        nodes, "ports", [onnx.helper.make_tensor_value_info(name, floats, shape) for name, shape in shapes.items()],
        [onnx.helper.make_tensor_value_info(name, floats, None) for name in ("sum/out:0", "features", "mean")],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    path = folder / "ports.tflite"  # what a file holds decides, not its name
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


@pytest.mark.parametrize("batch", [1, 2])
def test_what_is_saved_can_be_checked_with_onnxruntime_alone(batch: int, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    model = many_ports(tmp_path / "in", batch)
    assert tapeout("compile", model, "--target", "c", "-o", tmp_path / "out").returncode == 0
    session = onnxruntime.InferenceSession(onnx.load(model).SerializeToString(), providers=["CPUExecutionProvider"])
    model.unlink()
    (tmp_path / "in" / "weights.bin").unlink()
    done = tapeout("cosim", tmp_path / "out", "--count", 3, "--engines", "host", "--save", tmp_path / "s.npz", "--threshold", "sqnr_db=100")
    assert done.returncode == 0, done.stderr
    lead = () if batch == 1 else (batch,)
    with np.load(tmp_path / "s.npz") as saved:
        assert saved["inputs/image"].shape == (3, *lead, 3, 6, 5) and saved["host/sum/out:0"].shape == (3, *lead, 4)
        for i in range(3):
            feed = {name: saved[f"inputs/{name}"][i].reshape(batch, *shape) for name, shape in (("image", (3, 6, 5)), ("offset", (4,)))}
            for name, expected in zip(("sum/out:0", "features", "mean"), session.run(None, feed), strict=True):
                np.testing.assert_allclose(saved[f"host/{name}"][i].reshape(expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize("file", ["tapeout.json", "report.json", "graph.txt", "constants.npz", "c/plan.json"])
@pytest.mark.parametrize("content", ["", "{}", "nonsense"])
def test_a_damaged_bundle_is_one_line(portable: Path, file: str, content: str, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    subprocess.run(["cp", "-r", portable, damaged], check=True)
    (damaged / file).write_text(content)
    refused(2, "damaged", "report" if file == "report.json" else "cosim", damaged)


def test_inspect_shows_every_stage(bundle: Path) -> None:
    first = tapeout("inspect", MODEL, "--after", "read").stdout
    assert "conv2d(" in first and "input('image'" in first
    assert "requant=" in tapeout("inspect", bundle).stdout


def test_targets_as_json() -> None:
    listed = json.loads(tapeout("targets", "--json").stdout)["targets"]
    assert {t["name"] for t in listed} >= {"c", "cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"}
    boards = {b["name"]: b for t in listed for b in t["boards"]}
    assert boards["nucleo-u575zi"]["clock_hz"] == 160_000_000


def test_a_narrow_terminal_cuts_no_figure(portable: Path) -> None:
    """`script` gives the command a terminal."""
    command = ["script", "-qc", f"{Path(sys.executable).parent / 'tapeout'} report {portable}", "/dev/null"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "40"})
    assert "24,576" in shown.stdout and "conv2d" in shown.stdout
