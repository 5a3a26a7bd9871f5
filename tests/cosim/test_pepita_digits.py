"""PEPITA learns the digits as compiled C."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.ir import Graph, verify
from tapeout.compiler.passes.add_pepita_step import add_pepita_step
from tapeout.compiler.training import Method, Training
from tapeout.targets.c.target import TARGETS
from tapeout.targets.compiled import Compiled
from tests.cosim.test_forward_digits import CLASSES, SEEDS, WIDTHS, Digits, Library, digits, pointer, said
from tests.small_forward import network


def accuracy(folder: Path, graph: Graph, epochs: int, data: Digits, seed: int = 0) -> list[float]:
    """Of the test images after each of so many passes over the training images, which this step learns from."""
    folder.mkdir()
    random, found = np.random.default_rng(seed), list[float]()
    code = Library(Compiled.write(folder, "net", TARGETS[0], verify(graph), inputs=Inputs.CALLER)).code
    for _ in range(epochs):
        for i in random.permutation(len(data.trained)):
            code.net_train_step(pointer(data.trained[i]), pointer(CLASSES[data.trained_labels[i]]))
        right = 0
        for image, label in zip(data.tested, data.tested_labels, strict=True):
            code.net_run(pointer(image))
            right += int(np.argmax(code.output()[: len(CLASSES)])) == label
        found.append(right / len(data.tested))
    return found


@pytest.mark.long
def test_fifteen_epochs_reach_ninety_five_percent(tmp_path: Path) -> None:
    """And more than the last layer alone does behind random ones, so that it is the second pass that teaches."""
    training = Training(learning_rate=0.03, method=Method.PEPITA)
    for seed in SEEDS:
        source = network(*WIDTHS, seed=seed)
        reached = accuracy(tmp_path / f"{seed}", add_pepita_step(source, training), 15, digits(), seed)
        last = accuracy(tmp_path / f"{seed}_last", add_pepita_step(source, replace(training, update="last:1")), 15, digits(), seed)
        print(f"seed {seed}: {said(reached)}; last:1: {said(last)}")
        assert reached[-1] >= 0.95 and reached[-1] >= last[-1] + 0.01
