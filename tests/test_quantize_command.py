"""`tapeout quantize` as a user calls it: files that other tools read, figures that are told, and one clear line for what cannot be."""
from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from tapeout.compiler import data
from tests.test_cli import CALIBRATION, DIGITS, MODEL, refused, tapeout

TEST = DIGITS / "digits_test.npz"
MINE = """
name = "mine"

[activations]
symmetric = false

[[rules]]
types = ["depthwise_conv2d"]
weights = { bits = 2 }
"""
# of the ready-made and of mine: how wide codes are, and the quantizers of weights, biases and activations, four layers and the input
BITS = {"int8": {8: 9, 32: 4}, "w4a8": {4: 2, 8: 7, 32: 4}, "w2a4": {2: 2, 4: 3, 8: 4, 32: 4}, "fixed<8,3>": {8: 9, 32: 4}}


def quantize(output: Path, recipe: object, *more: object) -> list[str]:
    """What the command prints."""
    done = tapeout("quantize", MODEL, "--recipe", recipe, "--calibrate", CALIBRATION, "-o", output, *more)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("form", ["qonnx", "qdq"])
@pytest.mark.parametrize("recipe", BITS)
def test_the_file_is_valid_and_has_the_quantizers_of_the_recipe(form: str, recipe: str, tmp_path: Path) -> None:
    said = quantize(tmp_path / "q.onnx", recipe, "--format", form)
    assert said[0].startswith(f"{recipe} against float on 200 calibration samples: SQNR ") and said[-1] == f"wrote {tmp_path / 'q.onnx'}"
    model = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(model, full_check=True)
    kinds = Counter(node.op_type for node in model.graph.node)
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    if form == "qonnx":
        assert kinds["Quant"] == sum(BITS[recipe].values()) and not kinds["QuantizeLinear"]
        assert Counter(int(tensors[n.input[3]]) for n in model.graph.node if n.op_type == "Quant") == BITS[recipe]
    else:
        assert (kinds["QuantizeLinear"], kinds["DequantizeLinear"], kinds["Quant"]) == (5, sum(BITS[recipe].values()), 0)
        widths = Counter(str(tensors[n.input[0]].dtype) for n in model.graph.node if n.input[0] in tensors)
        assert widths == {"int8": 4, "int32": 4}, "weights and biases are codes"
    assert [p.name for p in tmp_path.iterdir()] == ["q.onnx"]


@pytest.mark.parametrize(("form", "recipe"), [("qonnx", "int8"), ("qonnx", "w2a4"), ("qdq", "int8"), ("qdq", "w4a8")])
def test_what_was_written_compiles_to_what_the_recipe_gives_at_once(form: str, recipe: str, tmp_path: Path) -> None:
    quantize(tmp_path / "q.onnx", recipe, "--format", form)
    read = ("compile", tmp_path / "q.onnx", "--target", "c", "-o", tmp_path / "read")
    at_once = ("compile", MODEL, "--target", "c", "--recipe", recipe, "--calibrate", CALIBRATION, "-o", tmp_path / "at_once")
    outputs = []
    for command in (read, at_once):
        done = tapeout(*command)
        assert done.returncode == 0, done.stderr
        saved, how = tmp_path / "saved.npz", ("--engines", "host", "--threshold", "accuracy=0.9")
        done = tapeout("cosim", command[-1], "--inputs", TEST, "--count", 50, "--save", saved, *how)
        assert done.returncode == 0, done.stderr
        assert "host: 0 / 500 elements differ" in done.stdout
        with np.load(saved) as file:
            outputs.append(file["host/logits"])
    assert np.array_equal(*outputs)
    told = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("read", "at_once")]
    assert told[0]["memory"]["weight_bytes"] == told[1]["memory"]["weight_bytes"]
    assert [r["model"]["quantized"] for r in told] == [None, f"{recipe}, calibrated by mse on digits_calibration.npz"]


def test_a_recipe_of_ones_own_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file.toml").write_text(MINE)
    heading, *rows, told, _, _, wrote = quantize(tmp_path / "q.onnx", tmp_path / "file.toml", "--sensitivity")
    assert told.startswith("mine against float on 200 calibration samples: SQNR ") and told.endswith(" %") and wrote.startswith("wrote ")
    assert heading == " SQNR dB  layer (quantized alone)" and len(rows) == 5
    assert rows[0].endswith("  /depthwise_relu/Relu_output_0: weight s2, bias s32, activation s8")
    assert [float(row.split()[0]) for row in rows] == sorted(float(row.split()[0]) for row in rows)
    compiled = ("compile", MODEL, "--target", "c", "--recipe", tmp_path / "file.toml", "--calibrate", CALIBRATION, "-o", tmp_path / "out")
    assert tapeout(*compiled).returncode == 0
    assert str(tmp_path) not in (tmp_path / "out" / "report.json").read_text()
    assert tapeout("report", tmp_path / "out").stdout.startswith("digits for c (from digits.onnx, mine, calibrated by mse")


def test_weights_and_biases_are_bettered(tmp_path: Path) -> None:
    """Four bits, each way to better them and all at once; `compile` does the same on the way."""
    (tmp_path / "four.toml").write_text("[weights]\nbits = 4\n[activations]\nsymmetric = false\n")
    found = {}
    for names in ("", "equalize", "adaround", "correct-bias", "correct-bias,equalize,adaround"):
        (told,) = (line for line in quantize(tmp_path / "q.onnx", tmp_path / "four.toml", "--improve", names) if "SQNR" in line)
        found[names] = float(told.partition("SQNR ")[2].split()[0])
    assert found["adaround"] > found[""] + 3 and found["correct-bias"] > found[""], found
    assert found["correct-bias,equalize,adaround"] > found[""] + 3, found
    assert len(set(found.values())) == len(found), "each does something"
    options = ("--recipe", tmp_path / "four.toml", "--calibrate", CALIBRATION, "--improve", "correct-bias,equalize,adaround")
    assert tapeout("compile", MODEL, "--target", "c", *options, "-o", tmp_path / "at_once").returncode == 0
    assert tapeout("compile", tmp_path / "q.onnx", "--target", "c", "-o", tmp_path / "read").returncode == 0
    codes = [sorted(a.tobytes() for a in data.load(tmp_path / name / "constants.npz").values()) for name in ("at_once", "read")]
    assert codes[0] == codes[1]
    how = json.loads((tmp_path / "at_once" / "report.json").read_text())["model"]["quantized"]
    assert how == "four, calibrated by mse on digits_calibration.npz, equalize, adaround, correct-bias"


def test_notes_say_where_other_readers_round_otherwise(tmp_path: Path) -> None:
    plain = [line for line in quantize(tmp_path / "q.onnx", "int8") if line.startswith("note: ")]
    assert plain == [
        f"note: codes are rounded {rounding} in tapeout, half_even by other readers of this file: they differ on exact ties"
        for rounding in ("half_away", "half_up")
    ]
    assert not any(line.startswith("note: ") for line in quantize(tmp_path / "q.onnx", "fixed<8,3>"))


def test_a_target_that_can_run_it_changes_nothing(tmp_path: Path) -> None:
    quantize(tmp_path / "a.onnx", "w4a8")
    quantize(tmp_path / "b.onnx", "w4a8", "--target", "cortex-m4")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


OPTIONS = {"--recipe": "int8", "--calibrate": CALIBRATION, "-o": "q.onnx"}


@pytest.mark.parametrize(("change", "message"), [
    ({"--recipe": "int7"}, "there is no recipe 'int7'; give a .toml file or one of bf16, binary, float"),
    ({"--recipe": "missing.toml"}, "missing.toml: No such file"),
    ({"--recipe": "bad.toml"}, "bad.toml: weights: bits = 1: integers have 2 to 16 bits"),
    ({"--recipe": "fixed<40,3>"}, "fixed<40,3>: weights: bits = 40"),
    ({"--recipe": "binary"}, "makes its weights binary, which only training finds; use tapeout retrain"),
    ({"--recipe": "mixed"}, "recipe mixed: its bits are found by a search; use tapeout retrain"),
    ({"--recipe": "fp16"}, "image: f16 has no form in this file"),
    ({"--recipe": "fixed<16,6>", "--format": "qdq"}, "has no form in QDQ; write QONNX"),
    ({"--recipe": None}, "Missing option '--recipe'"),
    ({"--target": "z80"}, "no target 'z80'; there are c, cortex-m0"),
    ({"--target": "cortex-m4", "--recipe": "fixed<16,6>"}, "cortex-m4 has no kernel max_pool2d_s16 (recipe fixed<16,6>); the nearest"),
    ({"--calibrate": None}, "Missing option '--calibrate'"),
    ({"--calibrate": "missing.npz"}, "missing.npz"),
    ({"--calibrate": "bad.toml"}, "bad.toml: not a readable .npz file"),
    ({"--calibrate": "other.npz"}, "Nx1x8x8"),
    ({"--calibration": "guess"}, "'guess' is not one of 'minmax'"),
    ({"--improve": "adaround,magic"}, "--improve magic: there are equalize, adaround and correct-bias"),
    ({"--format": "tflite"}, "'tflite' is not one of 'qonnx', 'qdq'"),
    ({"-o": "nosuch/q.onnx"}, "nosuch/q.onnx: cannot be written; there is no folder nosuch"),
    ({"-o": "folder"}, "folder: cannot be written; it is a folder"),
    ({"-o": "bad.toml/q.onnx"}, "bad.toml/q.onnx: cannot be written"),
    ({"-o": None}, "Missing option '-o'"),
])  # fmt: skip
def test_mistakes_are_one_line_and_leave_nothing(
    change: dict[str, object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the output's place stays as it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "bad.toml").write_text("[weights]\nbits = 1\n")
    (tmp_path / "q.onnx").write_text("what was there before")
    np.savez("other.npz", image=np.zeros((5, 7, 8), np.float32))
    before = {f: f.read_bytes() if f.is_file() else None for f in tmp_path.rglob("*")}
    refused(2, message, "quantize", MODEL, *(w for pair in {**OPTIONS, **change}.items() if pair[1] is not None for w in pair))
    assert {f: f.read_bytes() if f.is_file() else None for f in tmp_path.rglob("*")} == before


def test_a_quantized_model_is_one_line(tmp_path: Path) -> None:
    quantize(tmp_path / "q.onnx", "int8")
    again = ("quantize", tmp_path / "q.onnx", "--recipe", "int8", "--calibrate", CALIBRATION, "-o", tmp_path / "again.onnx")
    refused(2, "image_fq: the model is quantized already; compile it without a recipe", *again)
    assert not (tmp_path / "again.onnx").exists()


@pytest.mark.parametrize(("recipe", "decibels"), [("fp16", 55), ("fp16-fma", 45), ("bf16", 35)])
def test_16_bit_floats_need_no_data_and_are_equal(recipe: str, decibels: int, tmp_path: Path) -> None:
    done = tapeout("compile", MODEL, "--target", "cortex-m55", "--recipe", recipe, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["model"]["quantized"] == recipe
    done = tapeout("cosim", tmp_path / "out", "--count", 12, "--inputs", DIGITS / "digits_test.npz", "--threshold", f"sqnr_db={decibels}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "host: 0 / " in done.stdout and "qemu: 0 / " in done.stdout and "sqnr_db" in done.stdout
