"""`tapeout retrain` as a user calls it, on the digits example."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from tapeout.compiler import data, text
from tapeout.compiler.build import lower
from tapeout.compiler.ir import Array
from tapeout.compiler.run import run
from tests.test_cli import DIGITS, MODEL, refused, tapeout


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Training and validation data as examples/digits/train.py splits them; pixels in uint8."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    parts = train_test_split(digits.images.astype(np.uint8)[:, None], digits.target, test_size=0.2, random_state=7, stratify=digits.target)
    folder = tmp_path_factory.mktemp("digits")
    for name, x, y in ("train", parts[0], parts[2]), ("val", parts[1], parts[3]):
        np.savez(folder / f"{name}.npz", x=x, y=y)
    return folder / "train.npz", folder / "val.npz"


def retrain(splits: tuple[Path, Path], output: Path, recipe: str, *more: object) -> subprocess.CompletedProcess[str]:
    return tapeout("retrain", MODEL, "--recipe", recipe, "--train", splits[0], "--val", splits[1], "-o", output, *more)


def constants(folder: Path) -> dict[str, Array]:
    return data.load(folder / "constants.npz")


@pytest.mark.parametrize("recipe", ["int8", "w4a8"])
def test_digits(tmp_path: Path, splits: tuple[Path, Path], recipe: str) -> None:
    """Retrained, written, and computed in integers from what was written."""
    done = retrain(splits, tmp_path / "out", recipe, "--epochs", 3)
    assert done.returncode == 0, done.stderr
    assert f"{recipe} after calibration" in done.stdout and "retrained" in done.stdout
    folder = tmp_path / "out"
    for name in ("recipe.toml", "checkpoint.pt", "history.json", "history.png", "graph.txt", "model.qonnx.onnx", "model.qdq.onnx"):
        assert (folder / name).stat().st_size > 0
    history = json.loads((folder / "history.json").read_text())
    assert len(history["loss"]) == len(history["validation"]) == 3
    onnx.checker.check_model(onnx.load(folder / "model.qdq.onnx"))
    graph = lower(text.load(folder))
    test = data.load(DIGITS / "digits_test.npz")
    (logits,) = run(graph, data.inputs(graph, test, "digits_test.npz")).values()
    accuracy = float((logits.reshape(len(test["y"]), -1).argmax(1) == test["y"]).mean())
    assert abs(accuracy - history["retrained"]) <= 1 / len(test["y"])  # of float32 against integers
    assert accuracy >= 0.98


def test_the_float_control_and_resuming(tmp_path: Path, splits: tuple[Path, Path]) -> None:
    """Resuming a run that is over writes the same folder; other options are refused."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert retrain(splits, whole, "float", "--epochs", 2).returncode == 0
    assert retrain(splits, part, "float", "--epochs", 2).returncode == 0
    refused(2, "another epochs", "retrain", MODEL, "--recipe", "float", "--train", splits[0], "--val", splits[1], "-o", part, "--epochs", 3,
            "--resume")  # fmt: skip
    done = retrain(splits, part, "float", "--epochs", 2, "--resume")
    assert done.returncode == 0, done.stderr
    first, second = constants(whole), constants(part)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert (whole / "history.json").read_bytes() == (part / "history.json").read_bytes()


def test_data_from_a_function(tmp_path: Path, splits: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"import numpy\ndef half():\n    f = numpy.load({str(splits[0])!r})\n    return f['x'][:64], f['y'][:64]\n"
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    arguments = ("--train", "mine:half", "--val", "mine:half", "--epochs", 1, "-o", tmp_path / "out")
    done = tapeout("retrain", MODEL, "--recipe", "int8", *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--recipe": "int9"}, "there is no recipe 'int9'"),
        ({"--train": "nowhere.npz"}, "nowhere.npz: not a readable .npz file"),
        ({"--train": "nowhere:data"}, "nowhere:data: gives no pair of arrays"),
        ({"--preprocess": "scale=much"}, "--preprocess 'scale=much'"),
        ({"--augment": "blur"}, "--augment blur: there are flip and crop"),
        ({"--target": "abacus"}, "abacus"),
        ({"--recipe": "mixed"}, "--budget"),
        ({"--budget": "flash=60k"}, "searches nothing"),
    ],
)
def test_one_clear_line(tmp_path: Path, splits: tuple[Path, Path], change: dict[str, str], message: str) -> None:
    options = {"--recipe": "int8", "--train": str(splits[0]), "--val": str(splits[1]), "-o": str(tmp_path / "out"), **change}
    refused(2, message, "retrain", MODEL, *(word for pair in options.items() for word in pair))
    assert not (tmp_path / "out").exists()


def test_data_that_does_not_fit(tmp_path: Path, splits: tuple[Path, Path]) -> None:
    base = ("retrain", MODEL, "--recipe", "int8", "--val", splits[1], "-o", tmp_path / "out", "--train")
    for name, arrays, message in (
        ("keys", {"x": np.zeros((4, 1, 8, 8))}, "has no array 'y', only 'x'"),
        ("shape", {"x": np.zeros((4, 1, 7, 8)), "y": np.zeros(4, int)}, "array 'x' is 4x1x7x8, input image takes Nx1x1x8x8"),
        ("labels", {"x": np.zeros((4, 1, 8, 8)), "y": np.full(4, 10)}, "whole numbers from 0 to 9"),
        ("counts", {"x": np.zeros((4, 1, 8, 8)), "y": np.zeros(3, int)}, "holds 4 samples and 3 labels"),
        ("nan", {"x": np.full((4, 1, 8, 8), np.nan), "y": np.zeros(4, int)}, "NaN or infinity"),
    ):
        np.savez(tmp_path / f"{name}.npz", **arrays)
        refused(2, message, *base, tmp_path / f"{name}.npz")
    refused(2, "holds no checkpoint.pt", *base, splits[0], "--resume")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    refused(2, "files that tapeout did not write", *base, splits[0])


@pytest.mark.long
def test_two_processes(tmp_path: Path, splits: tuple[Path, Path]) -> None:
    """Under torchrun each step is of all processes' samples; process 0 writes."""
    torchrun, own = (str(Path(sys.executable).parent / name) for name in ("torchrun", "tapeout"))
    command = [torchrun, "--nproc-per-node", "2", "--no-python", own, "retrain", MODEL, "--recipe", "int8", "--train", splits[0],
               "--val", splits[1], "--epochs", "1", "-o", tmp_path / "out"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("retrained") == 1
    assert json.loads((tmp_path / "out" / "history.json").read_text())["retrained"] > 0.95
