"""The tasks that recipes are compared on: data in the layout of the checkpoint's input, and the checkpoint.

Data is read from the folder that TAPEOUT_ZOO names, else from ../shared/zoo beside the repository; none of it is part of the repository.
Splits: training; validation, a part of the training data by which everything is chosen; test, which is looked at once.
"""
from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .log_mel import features

HERE = Path(__file__).resolve().parent
ZOO = Path(os.environ.get("TAPEOUT_ZOO", HERE.parents[2] / "shared" / "zoo"))
CACHE = HERE.parents[1] / "build" / "tasks"
Array = npt.NDArray[Any]
Splits = Mapping[str, tuple[Array, Array]]


@dataclass(frozen=True)
class Task:
    """A name, the float checkpoint, and its data: x (N, ...) and labels (N) for train, val and test."""

    name: str
    checkpoint: Path
    splits: Callable[[], Splits]


def _file(name: str) -> Any:
    return np.load(ZOO / "datasets" / name)


@cache
def mnist() -> Splits:
    """Images (N, 1, 28, 28) in uint8; the last 5,000 of the training file are for validation."""
    with _file("mnist_train60k.npz") as train, _file("mnist_test10k.npz") as test:
        x, y = train["x"][:, None], train["y"].astype(np.int64)
        return {"train": (x[:-5000], y[:-5000]), "val": (x[-5000:], y[-5000:]), "test": (test["x"][:, None], test["y"].astype(np.int64))}


@cache
def fsdd() -> Splits:
    """Log-mel features (N, 1, 49, 20) in float32; every tenth training recording is for validation."""
    path = CACHE / "fsdd.npz"
    if not path.is_file():
        with _file("fsdd_pcm16_8k.npz") as file:
            pcm, offsets = file["pcm"], file["offsets"]
            x = np.stack([features(pcm[a:b]) for a, b in pairwise(offsets)])[:, None]
            _save(path, x=x, y=file["labels"].astype(np.int64), test=file["is_test"])
    with np.load(path) as file:
        x, y, test = file["x"], file["y"], file["test"]
    train = np.flatnonzero(~test)
    parts = {"train": np.setdiff1d(train, train[::10]), "val": train[::10], "test": np.flatnonzero(test)}
    return {name: (x[index], y[index]) for name, index in parts.items()}


@cache
def cifar() -> Splits:
    """Images (N, 32, 32, 3) in uint8, decoded from JPEG; the last 5,000 of the training file are for validation."""
    decoded = {}
    for name in ("train", "test"):
        path = CACHE / f"cifar_{name}.npz"
        if not path.is_file():
            from PIL import Image

            with _file(f"cifar10_{name}_jpeg.npz") as file:
                blob, offsets = file["blob"].tobytes(), file["offsets"]
                images = [np.asarray(Image.open(io.BytesIO(blob[a:b])).convert("RGB")) for a, b in pairwise(offsets)]
                _save(path, x=np.stack(images), y=file["labels"].astype(np.int64))
        with np.load(path) as file:
            decoded[name] = file["x"], file["y"]
    order = np.random.default_rng(0).permutation(len(decoded["train"][0]))
    x, y = (a[order] for a in decoded["train"])
    return {"train": (x[:-5000], y[:-5000]), "val": (x[-5000:], y[-5000:]), "test": decoded["test"]}


def _save(path: Path, **arrays: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the keywords for its flags


TASKS = {
    t.name: t for t in (
        Task("mnist", HERE / "mnist.onnx", mnist),
        Task("fsdd", HERE / "fsdd.onnx", fsdd),
        Task("cifar", ZOO / "mlperf_tiny" / "ic_resnet8_float.tflite", cifar),
    )
}  # fmt: skip
