"""Checkpoints of frameworks, through the framework's own exporter, as ONNX or TensorFlow Lite files, which are then read."""
from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ..errors import TapeoutError

Kind = Literal["onnx", "tflite", "keras", "h5", "pt2"]


def archive_kind(path: Path) -> Kind:
    """Which framework wrote a zip archive. Raises TapeoutError for pickled modules and for archives of neither."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise TapeoutError(f"{path}: a damaged archive ({error})") from None
    if "config.json" in names and "metadata.json" in names:
        return "keras"
    inner = [name.partition("/")[2] for name in names]
    if any(name.startswith("models/") or name in ("serialized_exported_program.json", "archive_format") for name in (*inner, *names)):
        return "pt2"
    if any(name.endswith("data.pkl") for name in names):
        raise TapeoutError(
            f"{path}: a pickle of PyTorch, which can run any code when it is loaded; save torch.export.export(model, inputs) with "
            "torch.export.save, or name the model as module:factory with its state dict as --weights"
        )
    raise TapeoutError(f"{path}: neither a Keras model nor a program that torch.export.save wrote")


@contextmanager
def _silenced() -> Iterator[None]:
    """Nothing that this process writes to its standard error, below Python too, is seen."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def convert(path: Path, kind: Kind) -> tuple[Literal["onnx", "tflite"], bytes]:
    """The checkpoint as the bytes of an ONNX or TensorFlow Lite file. Raises TapeoutError, one line that names the file."""
    try:
        if kind == "pt2":
            from .torch import onnx_of_program

            return "onnx", onnx_of_program(path)
        with _silenced():  # TensorFlow's C++ writes to standard error from its import on
            from .keras import tflite_of_model

            return "tflite", tflite_of_model(path)
    except ModuleNotFoundError as error:
        extra = "torch" if kind == "pt2" else "keras"
        raise TapeoutError(f"{path}: reading it needs {error.name}; install tapeout[{extra}]") from None
