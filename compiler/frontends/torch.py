"""PyTorch programs and modules as ONNX, by PyTorch's own exporter. Nothing is unpickled but tensors."""
from __future__ import annotations

import importlib
import inspect
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..errors import TapeoutError
from .program import refuse_code

_OPSET = 18


def onnx_of_program(path: Path) -> bytes:
    """What `torch.export.save` wrote, as ONNX. Raises TapeoutError that names the file."""
    content = path.read_bytes()
    for member in refuse_code(content, path):
        _tensors(io.BytesIO(member), f"{path}: its sample inputs are more than tensors")
    try:
        with _quiet():
            return _exported(torch.export.load(io.BytesIO(content)))
    except Exception as error:  # torch raises bare classes of many kinds for damaged archives and ops without ONNX form
        raise TapeoutError(f"{path}: cannot be exported to ONNX: {_first_line(error)}") from None


def onnx_of_module(name: str, weights: Path | None, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """The module that `package.module:factory` makes, with the state dict of `weights`, as ONNX; `shapes` by the arguments of `forward`.

    The factory is the caller's code, looked up in the working folder too, and run. Raises TapeoutError that says what is wrong.
    """
    module = _made(name)
    if weights is not None:
        state = _tensors(weights, f"{weights}: is no state dict of tensors; save module.state_dict() with torch.save")
        try:
            module.load_state_dict(state)
        except Exception as error:  # names and shapes that do not fit, on many lines, or no dict
            raise TapeoutError(f"{weights}: does not fit {name}: {' '.join(_text(error).split())}") from None
    inputs = tuple(torch.zeros(shape) for shape in _input_shapes(name, module, shapes))
    try:
        with _quiet():
            return _exported(torch.export.export(module.eval(), inputs))
    except Exception as error:  # as above
        raise TapeoutError(f"{name}: cannot be exported to ONNX for these shapes: {_first_line(error)}") from None


def _made(name: str) -> torch.nn.Module:
    module_name, _, factory = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = getattr(importlib.import_module(module_name), factory)()
    except Exception as error:  # the user's code
        raise TapeoutError(f"{name}: gives no module: {_first_line(error)}") from None
    if not isinstance(module, torch.nn.Module):
        raise TapeoutError(f"{name}: gives {type(module).__name__}, expected a torch.nn.Module")
    return module


def _input_shapes(name: str, module: torch.nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The shapes in the order of the arguments of `forward`."""
    arguments = inspect.signature(module.forward).parameters
    needed = [a for a, p in arguments.items() if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if set(needed) != set(shapes):
        options = " ".join(f"--shape {a}=1x..." for a in needed)
        raise TapeoutError(f"{name}: forward takes {', '.join(needed) or 'nothing'}; give the shape of each: {options}")
    return [shapes[a] for a in needed]


def _tensors(source: Path | io.BytesIO, otherwise: str) -> Any:
    """What torch.save wrote, unless that is more than containers of tensors: then TapeoutError, and nothing has run."""
    try:
        return torch.load(source, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise
    except Exception:  # torch raises many kinds for damaged files
        raise TapeoutError(otherwise) from None


def _exported(program: torch.export.ExportedProgram) -> bytes:
    """Batch normalization survives only without the exporter's optimization."""
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(program, (), str(path), dynamo=True, optimize=False, opset_version=_OPSET, external_data=False, verbose=False)
        return path.read_bytes()


@contextmanager
def _quiet() -> Iterator[None]:
    """No log lines and no warnings: what went wrong is in the exceptions."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _text(error: Exception) -> str:
    return str(error).strip() or type(error).__name__


def _first_line(error: Exception) -> str:
    return _text(error).splitlines()[0]
