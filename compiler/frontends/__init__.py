"""The readers of model files, one per format; what a file holds decides which one reads it."""
from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ..errors import TapeoutError
from ..ir import Graph
from .converted import Kind, archive_kind, convert, is_module, pickled


def read(path: Path, shapes: Mapping[str, tuple[int, ...]], weights: Path | None = None) -> Graph:
    """The network at `path`: a file, or `package.module:factory` of PyTorch, whose state dict `weights` may hold.

    `shapes` fixes the open dimensions of inputs, by the file's names. Raises TapeoutError, one line that names the file, for what
    cannot be read or holds something else.
    """
    with readable(path, shapes, weights) as (form, file):
        if form == "tflite":
            from .tflite import read_tflite

            return read_tflite(file, shapes)
        from .onnx import read_onnx

        return read_onnx(file, shapes)


@contextmanager
def readable(
    path: Path, shapes: Mapping[str, tuple[int, ...]], weights: Path | None = None
) -> Iterator[tuple[Literal["onnx", "tflite"], Path]]:
    """The file itself when it is ONNX or TensorFlow Lite, else one, for a while, that its framework's exporter makes of it."""
    found = kind(path)
    if weights is not None and found != "module":
        raise TapeoutError(f"--weights {weights}: {path} holds its weights; only package.module:factory takes a state dict")
    if found == "onnx" or found == "tflite":
        yield found, path
        return
    form, content = convert(path, found, shapes, weights)
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        file = Path(folder) / f"{path.name.rpartition(':')[2] if found == 'module' else path.stem}.{form}"
        file.write_bytes(content)
        yield form, file


def kind(path: Path) -> Kind:
    """The format of the model file at `path`.

    A file with the FlatBuffers identifier TFL3 at byte 4 is TensorFlow Lite's; a protobuf message that starts
    with field 1 or 2 or 7 or 8 of ONNX's ModelProto (ir_version, producer_name, graph, opset_import) is tried as ONNX.
    A zip archive is Keras' or that of torch.export.save, an HDF5 file Keras'. What is no file may name a factory of modules.
    Raises TapeoutError, one line that names the file, for what cannot be read or holds something else.
    """
    if is_module(path):
        return "module"
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise TapeoutError(f"{path}: {error.strerror or error}") from None
    if head[4:8] == b"TFL3":
        return "tflite"
    if head[:1] in (b"\x08", b"\x12", b"\x3a", b"\x42"):
        return "onnx"
    if head[:4] == b"PK\x03\x04":
        return archive_kind(path)
    if head == b"\x89HDF\r\n\x1a\n":
        return "h5"
    if head[:1] == b"\x80":
        raise pickled(path)
    what = "neither ONNX nor TensorFlow Lite nor Keras nor PyTorch" if head else "empty"
    raise TapeoutError(f"{path}: {what}; give a .onnx, .tflite, .keras, .h5 or .pt2 file")
