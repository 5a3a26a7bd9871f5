"""Checkpoints of frameworks, through the framework's own exporter, as ONNX or TensorFlow Lite files, which are then read."""
from __future__ import annotations

import os
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ..errors import TapeoutError

Kind = Literal["onnx", "tflite", "keras", "h5", "pt2", "module"]
_PICKLE = (
    "a pickle of PyTorch, which can run any code when it is loaded; save torch.export.export(model, inputs) with torch.export.save, "
    "or name the model as module:factory with its state dict as --weights"
)


def is_module(path: Path) -> bool:
    """Whether this names a factory in Python, as `package.module:factory`, and no file."""
    return re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", str(path)) is not None and not path.exists()


def pickled(path: Path) -> TapeoutError:
    return TapeoutError(f"{path}: {_PICKLE}")


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
        raise pickled(path)
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


def convert(
    path: Path, kind: Kind, shapes: Mapping[str, tuple[int, ...]], weights: Path | None
) -> tuple[Literal["onnx", "tflite"], bytes]:
    """The checkpoint as the bytes of an ONNX or TensorFlow Lite file. Raises TapeoutError, one line that names the file."""
    try:
        if kind in ("pt2", "module"):
            from .torch import onnx_of_module, onnx_of_program

            return "onnx", onnx_of_program(path) if kind == "pt2" else onnx_of_module(str(path), weights, shapes)
        with _silenced():  # TensorFlow's C++ writes to standard error from its import on
            from .keras import tflite_of_model

            return "tflite", tflite_of_model(path, shapes)
    except ModuleNotFoundError as error:
        extra = "torch" if kind in ("pt2", "module") else "keras"
        raise TapeoutError(f"{path}: reading it needs {error.name}: pip install 'tapeout[{extra}]'") from None
