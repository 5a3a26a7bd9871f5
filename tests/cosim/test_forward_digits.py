"""Forward-Forward learns the digits as compiled C, which equals the reference over its first hundred steps."""
from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.ir import Array, Graph, verify
from tapeout.compiler.passes.add_forward_forward_step import add_forward_forward_step
from tapeout.compiler.run import run
from tapeout.compiler.training import Method, Training
from tapeout.cosim.compare import compare
from tapeout.cosim.host import HOST
from tapeout.targets.c.target import TARGETS
from tapeout.targets.compiled import Compiled
from tests.small_forward import network

WIDTHS = (66, 200, 100, 10)  # 64 pixels and two that stay 0, as the network of the tests takes a third of its width
CLASSES = np.eye(10, dtype=np.float32)


@dataclass(frozen=True)
class Digits:
    """Images (N, WIDTHS[0]) of scikit-learn's digits from 0 to 1 and their classes: three quarters to train, the others to test."""

    trained: Array
    trained_labels: Array
    tested: Array
    tested_labels: Array


def digits() -> Digits:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    images = np.pad(pixels / 16, ((0, 0), (0, 2))).astype(np.float32)
    train, test, train_labels, test_labels = train_test_split(images, labels, test_size=0.25, random_state=7, stratify=labels)
    return Digits(train, train_labels, test, test_labels)


def pictures() -> Digits:
    """The same images as 10x10, with a margin of zeros."""
    flat = digits()
    trained, tested = (np.pad(a[:, :64].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1))) for a in (flat.trained, flat.tested))
    return Digits(np.ascontiguousarray(trained), flat.trained_labels, np.ascontiguousarray(tested), flat.tested_labels)


def step(folder: Path, method: Method, learning_rate: float, threshold: float, source: Graph | None = None) -> Compiled:
    folder.mkdir()
    training = Training(method=method, learning_rate=learning_rate, threshold=threshold)
    graph = verify(add_forward_forward_step(source or network(*WIDTHS), training))
    return Compiled.write(folder, "net", TARGETS[0], graph, inputs=Inputs.CALLER)


class Library:
    """The generated C, called as a program would."""

    def __init__(self, model: Compiled) -> None:
        file = model.folder / "net.so"
        accessor = model.folder / "accessor.c"
        accessor.write_text(f'#include "net.h"\nconst float *output(void) {{ return net_output_{model.graph.outputs[0].name}(); }}\n')
        sources = sorted(map(str, model.folder.glob("*.c")))
        flags = ["-std=c99", "-O2", "-ffp-contract=off", "-fPIC", "-shared", f"-I{model.folder}"]
        subprocess.run(["gcc", *flags, *sources, "-o", str(file), "-lm"], check=True, capture_output=True, text=True)
        self.code = ctypes.CDLL(str(file))
        self.code.output.restype = ctypes.POINTER(ctypes.c_float)
        self.code.net_init()

    def learn(self, image: Array, label: int, target: int) -> None:
        self.code.net_train_step(pointer(image), pointer(CLASSES[label]), ctypes.byref(ctypes.c_float(target)))

    def classify(self, image: Array) -> int:
        """The label with the largest goodness."""
        found = []
        for label in CLASSES:
            self.code.net_run(pointer(image), pointer(label))
            found.append(self.code.output()[0])
        return int(np.argmax(found))


def pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def accuracy(model: Compiled, epochs: int, data: Digits, seed: int = 0) -> float:
    """Of the test images after so many passes over the training images, each once with its label and once with another."""
    library, random = Library(model), np.random.default_rng(seed)
    for _ in range(epochs):
        for i in random.permutation(len(data.trained)):
            label = int(data.trained_labels[i])
            library.learn(data.trained[i], label, 1)
            library.learn(data.trained[i], (label + int(random.integers(1, 10))) % 10, -1)
    return float(np.mean([library.classify(x) == y for x, y in zip(data.tested, data.tested_labels, strict=True)]))


def said(accuracies: Iterable[float]) -> str:
    return ", ".join(f"{100 * a:.1f} %" for a in accuracies)


SEEDS = (0, 1, 2)
SETTINGS = {Method.FF: (0.0005, 1.0), Method.CFF: (0.01, 1.0)}


def test_three_epochs_of_forward_forward_on_the_digits(tmp_path: Path) -> None:
    assert accuracy(step(tmp_path / "net", Method.FF, 0.001, 1.0), 3, digits()) >= 0.75


@pytest.mark.long
@pytest.mark.parametrize("method", SETTINGS, ids=lambda m: m.value)
def test_fifteen_epochs_reach_ninety_percent(method: Method, tmp_path: Path) -> None:
    """Each of three starting weights and orders of the images."""
    reached = [
        accuracy(step(tmp_path / f"{seed}", method, *SETTINGS[method], network(*WIDTHS, seed=seed)), 15, digits(), seed) for seed in SEEDS
    ]
    print(f"{method}: {said(reached)}")
    assert min(reached) >= 0.9


@pytest.mark.parametrize("method", SETTINGS, ids=lambda m: m.value)
def test_a_hundred_steps_equal_the_reference(method: Method, tmp_path: Path) -> None:
    data, model = digits(), step(tmp_path / "net", method, *SETTINGS[method])
    right = np.arange(100) % 2 == 0
    labels = np.where(right, data.trained_labels[:100], (data.trained_labels[:100] + 1) % 10)
    feed = {
        "x": data.trained[:100].reshape(100, 1, 3, -1, 1), "label": CLASSES[labels][:, None],
        "target": np.where(right, 1, -1).astype(np.float32)[:, None],
    }
    assert compare(run(model.graph, feed), HOST.run(model, feed), model.graph).differ == 0
