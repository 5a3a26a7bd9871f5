"""Projects of hls4ml, the one file that imports it: a plan of layers becomes a vendor's sources and build scripts."""
from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tapeout.compiler.errors import TapeoutError

from ..hardware import DesignOptions
from .layers import Layer, Plan

_STAMP = "tapeout"


def write(plan: Plan, name: str, back_end: str, options: DesignOptions, folder: Path) -> None:
    """Writes the project `name` for a back end of hls4ml into `folder`, the same files for the same plan. Raises TapeoutError when
    hls4ml is missing or fails."""
    with _quiet() as said, tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        try:
            model = _model(plan, name, back_end, options, project)
            _check(model, plan)
            model.config.backend.writer.write_yml = lambda model: None  # hls4ml's own record, for which it would load Keras
            model.write()
        except ImportError as error:
            raise TapeoutError(f"{error}; projects for high-level synthesis need hls4ml: pip install 'tapeout[hls]'") from None
        except TapeoutError:
            raise
        except Exception as error:  # hls4ml raises bare Exception, and whatever its passes run into
            last = said.getvalue().strip().splitlines()[-1:] or [""]
            raise TapeoutError(f"hls4ml ({back_end}) fails: {type(error).__name__}: {error} {last[0]}".rstrip()) from error
        _clean(project, model.config.get_config_value("Stamp"))
        shutil.copytree(project, folder, dirs_exist_ok=True)


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """hls4ml prints what it does; the text is kept for errors. Back ends of TensorFlow are told to be silent too."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        yield said


def _model(plan: Plan, name: str, back_end: str, options: DesignOptions, project: Path) -> Any:
    from hls4ml.backends import get_backend
    from hls4ml.model import ModelGraph

    config = get_backend(back_end).create_initial_config(
        io_type="io_stream" if options.stream else "io_parallel",
        **({"part": options.part} if options.part else {}),
        **({"clock_period": options.clock_ns} if options.clock_ns else {}),
    )
    widest = "fixed<54,27>"  # every variable has a format of its own; what would be forgotten is seen in _check
    model = {"Precision": widest, "ReuseFactor": options.reuse_factor or 1, "Strategy": (options.strategy or "latency").replace("-", "_")}
    config |= {
        "Backend": back_end, "OutputDir": str(project), "ProjectName": name, "TraceOutput": True,
        "HLSConfig": {"Model": model, "LayerName": {layer.name: _layer_config(layer) for layer in plan.layers}},
    }  # fmt: skip
    layers = [{"name": layer.name, "class_name": layer.kind, "inputs": list(layer.inputs), **layer.attributes} for layer in plan.layers]
    return ModelGraph.from_layer_list(config, layers, list(plan.inputs), list(plan.outputs))


def _layer_config(layer: Layer) -> dict[str, Any]:
    return {"Precision": {variable: str(fixed) for variable, fixed in layer.formats.items()}, "Trace": layer.kind != "InputLayer"}


def _check(model: Any, plan: Plan) -> None:
    """Raises TapeoutError where a layer has another format than planned after hls4ml's own passes; an accumulator may be wider."""
    planned = {layer.name: layer for layer in plan.layers}
    for found in model.get_layers():
        layer = planned.get(found.name)
        if layer is None:
            continue
        held = {"result": found.get_output_variable().type.precision}
        held |= {key: weight.type.precision for key, weight in found.weights.items() if key in layer.formats}
        if "accum" in layer.formats and found.get_attr("accum_t") is not None:
            held["accum"] = found.get_attr("accum_t").precision
        for variable, precision in held.items():
            wanted = layer.formats[variable]
            found_bits, wanted_bits = (precision.integer, precision.fractional), (wanted.width - wanted.fraction, wanted.fraction)
            wider = variable == "accum" and all(a >= b for a, b in zip(found_bits, wanted_bits, strict=True))
            if bool(precision.signed) != wanted.signed or (found_bits != wanted_bits and not wider):
                raise TapeoutError(f"{layer.name}: hls4ml holds its {variable} as {precision}, planned is {wanted}")


def _clean(project: Path, stamp: str) -> None:
    """Takes out what differs from run to run: the folder, and the random number in the name of the library."""
    for path in (path for path in project.rglob("*") if path.is_file()):
        found = path.read_bytes()
        cleaned = found.replace(str(project).encode(), b".").replace(stamp.encode(), _STAMP.encode())
        if cleaned != found:
            path.write_bytes(cleaned)
