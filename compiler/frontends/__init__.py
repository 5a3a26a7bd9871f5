"""The readers of model files, one per format; what a file holds decides which one reads it."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ..errors import TapeoutError
from ..ir import Graph


def read(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    """The network in the file at `path`; `shapes` fixes the open dimensions of inputs, by the file's names.

    Raises TapeoutError, one line that names the file, for what cannot be read or holds something else.
    """
    if kind(path) == "tflite":
        from .tflite import read_tflite

        return read_tflite(path, shapes)
    from .onnx import read_onnx

    return read_onnx(path, shapes)


def kind(path: Path) -> Literal["onnx", "tflite"]:
    """The format of the model file at `path`.

    A file with the FlatBuffers identifier TFL3 at byte 4 is TensorFlow Lite's; a protobuf message that starts
    with field 1 or 2 or 7 or 8 of ONNX's ModelProto (ir_version, producer_name, graph, opset_import) is tried as ONNX.
    Raises TapeoutError, one line that names the file, for what cannot be read or holds something else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise TapeoutError(f"{path}: {error.strerror or error}") from None
    if head[4:8] == b"TFL3":
        return "tflite"
    if head[:1] in (b"\x08", b"\x12", b"\x3a", b"\x42"):
        return "onnx"
    raise TapeoutError(f"{path}: {'empty' if not head else 'neither ONNX nor TensorFlow Lite'}; give a .onnx or .tflite file")
