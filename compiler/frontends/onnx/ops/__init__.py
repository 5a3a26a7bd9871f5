"""One function per ONNX op, named like the op and found by its name; a file holds a family of ops."""
from __future__ import annotations

from collections.abc import Callable
from inspect import isfunction

from ..call import Call
from ..importer import Importer
from . import convolution, dense, elementwise, normalization, pooling, reduction, shape

Reader = Callable[[Importer, Call], None]

READERS: dict[str, Reader] = {
    name: function
    for module in (convolution, dense, elementwise, normalization, pooling, reduction, shape)
    for name, function in vars(module).items()
    if isfunction(function) and function.__module__ == module.__name__ and name[0].isupper()
}
