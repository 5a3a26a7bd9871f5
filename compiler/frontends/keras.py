"""Keras models as float TensorFlow Lite, by TensorFlow's own converter. Models that carry code are refused."""
from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import h5py
import tensorflow

from ..errors import TapeoutError, Unsupported


def tflite_of_model(path: Path) -> bytes:
    """The float model in a `.keras` or `.h5` file as TensorFlow Lite. Raises TapeoutError that names the file and the layer."""
    config = _config(path)
    for layer in _layers(config):
        kind, name = layer.get("class_name"), layer.get("config", {}).get("name", "?")
        if kind == "Lambda":
            raise Unsupported(f"{path}: layer {name} is a Lambda, which is code and not a network; write it as layers of Keras")
        if layer.get("registered_name") not in (None, kind) or str(kind).startswith("Q"):
            raise Unsupported(f"{path}: layer {name} is a {kind}, which Keras does not have; export such a network as QONNX")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return bytes(tensorflow.lite.TFLiteConverter.from_keras_model(_loaded(path)).convert())
    except Exception as error:  # TensorFlow raises bare classes of many kinds
        raise TapeoutError(f"{path}: cannot be converted: {(str(error).strip().splitlines() or [type(error).__name__])[0]}") from None


def _config(path: Path) -> dict[str, Any]:
    """The architecture that a file holds, before anything of it is run."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                found: dict[str, Any] = json.loads(archive.read("config.json"))
            return found
        with h5py.File(path) as file:
            text = file.attrs.get("model_config")
        if text is None:
            raise TapeoutError(f"{path}: holds weights alone; save the whole model with model.save")
        stored: dict[str, Any] = json.loads(text)
        return stored
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise TapeoutError(f"{path}: damaged ({error})") from None


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    """Every layer of an architecture, nested ones too."""
    if isinstance(config, dict):
        if "class_name" in config and isinstance(config.get("config"), dict):
            yield config
        for value in config.values():
            yield from _layers(value)
    elif isinstance(config, list):
        for value in config:
            yield from _layers(value)


def _loaded(path: Path) -> Any:
    """The model, by Keras 3, or by tf_keras where that wrote it: Keras 3 refuses the depthwise layers of old files."""
    import keras
    import tf_keras

    if zipfile.is_zipfile(path):
        return keras.models.load_model(path, compile=False, safe_mode=True)
    return tf_keras.models.load_model(path, compile=False)

