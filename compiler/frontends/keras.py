"""Keras models as float TensorFlow Lite, by TensorFlow's own converter. Models that carry code are refused."""
from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import h5py
import tensorflow
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ..errors import TapeoutError, Unsupported

_CODE = {  # classes of Keras that run what a file says
    "Lambda": "a function in Python", "__lambda__": "a function in Python", "function": "a function in Python",
    "TFSMLayer": "a program of TensorFlow", "TensorFlowOpLayer": "a program of TensorFlow", "TorchModuleWrapper": "a pickle of PyTorch",
    "JaxLayer": "a function in Python", "FlaxLayer": "a function in Python", "__typespec__": "a class in Python",
}  # fmt: skip
_PARTS = "src|layers|initializers|regularizers|constraints|activations|models|engine|ops|dtype_policies|optimizers|losses|metrics"
_MODULE = re.compile(rf"(tf_)?keras(\.({_PARTS})(\.\w+)*)?")
_FUNCTION = re.compile(r"(math|nn|__operators__)\.\w+|concat|reshape|transpose|identity|stop_gradient|cast")


def tflite_of_model(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """The float model in a `.keras` or `.h5` file as TensorFlow Lite, with `shapes` by input name and batch 1 else.

    Raises TapeoutError that names the file and the layer.
    """
    config, version = _stored(path)
    _refuse_code(path, config)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return _converted(_loaded(path, version), path, shapes)
    except TapeoutError:
        raise
    except Exception as error:  # TensorFlow raises bare classes of many kinds
        raise TapeoutError(f"{path}: cannot be converted: {(str(error).strip().splitlines() or [type(error).__name__])[0]}") from None


def _stored(path: Path) -> tuple[dict[str, Any], str]:
    """The architecture that a file holds, before anything of it is run, and the version of Keras that wrote it ('' if unknown)."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                architecture = dict(json.loads(archive.read("config.json")))
                architecture.pop("compile_config", None)  # optimizer, loss and metrics, which `compile=False` below leaves unread
                return architecture, str(json.loads(archive.read("metadata.json")).get("keras_version"))
        with h5py.File(path) as file:
            text, version = file.attrs.get("model_config"), file.attrs.get("keras_version", "")
        if text is None:
            raise TapeoutError(f"{path}: holds weights alone; save the whole model with model.save")
        return dict(json.loads(text)), str(version)
    except (OSError, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise TapeoutError(f"{path}: damaged ({error})") from None


def _refuse_code(path: Path, config: dict[str, Any]) -> None:
    """Raises Unsupported for anything that Keras does not have, by its layer: Keras would import modules that a file names."""
    for entry, layer in _entries(config, "model"):
        kind, module, registered = str(entry["class_name"]), entry.get("module"), entry.get("registered_name")
        if kind in _CODE:
            raise Unsupported(f"{path}: layer {layer}: {kind} is {_CODE[kind]} and no network; write it as layers of Keras")
        if re.match(r"Q[A-Z]", kind) or str(module).startswith("qkeras"):
            raise Unsupported(f"{path}: layer {layer} is a {kind} of QKeras; export the network as QONNX and give that")
        if (module is not None and not _MODULE.fullmatch(str(module))) or ">" in str(registered):
            raise Unsupported(f"{path}: layer {layer} is a {kind} of {module or registered}, code of its own; write it as layers of Keras")
        if kind.endswith("OpLambda") and not _FUNCTION.fullmatch(str(entry["config"].get("function"))):
            raise Unsupported(f"{path}: layer {layer} calls tf.{entry['config'].get('function')}, which is no op of a network")


def _entries(config: Any, layer: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object of an architecture, nested ones too, each with the name of its layer."""
    if isinstance(config, dict):
        inner = config.get("config")
        if "class_name" in config:
            named = inner.get("name", layer) if isinstance(inner, dict) and not str(config["class_name"]).startswith("DType") else layer
            layer = str(named)
            yield config, layer
        for value in config.values():
            yield from _entries(value, layer)
    elif isinstance(config, list):
        for value in config:
            yield from _entries(value, layer)


def _loaded(path: Path, version: str) -> Any:
    """The model, by the Keras that wrote it: Keras 3 refuses the depthwise layers of older `.h5` files. Both go by the file's suffix."""
    zipped = zipfile.is_zipfile(path)
    if version.startswith("3") or (zipped and not version.startswith("2")):
        import keras as package
    else:
        import tf_keras as package
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        file = shutil.copyfile(path, Path(folder) / f"model.{'keras' if zipped else 'h5'}")
        return package.models.load_model(file, compile=False, safe_mode=True)


def _converted(model: Any, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """Fixed shapes and constant weights leave no operators that only compute shapes; tensors at the edges get the names of the model."""
    names = [tensor.name for tensor in model.inputs]
    for unknown in set(shapes).difference(names):
        raise TapeoutError(f"{path}: has no input {unknown!r}; its inputs are {', '.join(names)}")
    inputs = [_spec(path, tensor, shapes) for tensor in model.inputs]

    def run(*tensors: Any) -> Any:
        return model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)

    program = convert_variables_to_constants_v2(tensorflow.function(run).get_concrete_function(*inputs))
    content = tensorflow.lite.TFLiteConverter.from_concrete_functions([program]).convert()
    return _named(bytes(content), list(getattr(model, "output_names", None) or [model.layers[-1].name]))


def _spec(path: Path, tensor: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """Name, shape and type of an input, the batch 1 when it is open."""
    declared = tuple(tensor.shape)
    fixed = shapes.get(tensor.name, (declared[0] or 1, *declared[1:]))
    if len(fixed) != len(declared) or any(d not in (None, f) for d, f in zip(declared, fixed, strict=True)):
        raise TapeoutError(f"{path}: input {tensor.name} has the shape {_dims(declared)}, which {_dims(fixed)} does not fit")
    if None in fixed:
        raise TapeoutError(f"{path}: input {tensor.name} has the shape {_dims(fixed)}; fix it with --shape {tensor.name}={_dims(fixed)}")
    return tensorflow.TensorSpec(fixed, tensor.dtype, name=tensor.name)


def _dims(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if n is None else str(n) for n in shape)


def _named(content: bytes, names: list[str]) -> bytes:
    """The file with the outputs named as the model names them, where that is unambiguous."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    (graph,) = model.subgraphs
    taken = {tensor.name.decode() for tensor in graph.tensors}
    if len(names) == len(graph.outputs) == len({*names} - taken):
        for index, name in zip(graph.outputs, names, strict=True):
            graph.tensors[index].name = name.encode()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
