"""PyTorch programs and modules as ONNX, by PyTorch's own exporter. Nothing is unpickled but tensors."""
from __future__ import annotations

import importlib
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from ..errors import TapeoutError

_OPSET = 18


def onnx_of_program(path: Path) -> bytes:
    """What `torch.export.save` wrote, as ONNX. Raises TapeoutError that names the file."""
    try:
        program = torch.export.load(str(path))
        return _exported(program)
    except Exception as error:  # torch raises bare classes of many kinds for damaged archives and ops without ONNX form
        raise TapeoutError(f"{path}: cannot be exported to ONNX: {_first_line(error)}") from None


def onnx_of_module(name: str, weights: Path | None, shape: tuple[int, ...]) -> bytes:
    """The module that `package.module:factory` makes, with the state dict of `weights`, for inputs of `shape`, as ONNX.

    Raises TapeoutError that says what is wrong with the name, the file or the shape.
    """
    module_name, _, factory = name.partition(":")
    try:
        made: Callable[[], torch.nn.Module] = getattr(importlib.import_module(module_name), factory)
        module = made()
    except Exception as error:  # the user's code
        raise TapeoutError(f"{name}: gives no module: {_first_line(error)}") from None
    if not isinstance(module, torch.nn.Module):
        raise TapeoutError(f"{name}: gives {type(module).__name__}, expected a torch.nn.Module")
    if weights is not None:
        try:
            module.load_state_dict(torch.load(weights, weights_only=True))
        except Exception as error:  # torch raises many kinds for damaged files
            raise TapeoutError(f"{weights}: is no state dict of {name}: {_first_line(error)}") from None
    try:
        return _exported(torch.export.export(module.eval(), (torch.zeros(shape),)))
    except Exception as error:  # as above
        raise TapeoutError(f"{name}: cannot be exported to ONNX for inputs {'x'.join(map(str, shape))}: {_first_line(error)}") from None


def _exported(program: torch.export.ExportedProgram) -> bytes:
    """Batch normalization survives only without the exporter's optimization."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        torch.onnx.export(program, (), str(path), dynamo=True, optimize=False, opset_version=_OPSET, external_data=False, verbose=False)
        return path.read_bytes()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
