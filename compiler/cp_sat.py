"""OR-tools' CP-SAT, with its own symbols."""
from __future__ import annotations

import os
import sys
from types import ModuleType


def load_cp_model() -> ModuleType:
    """`ortools.sat.python.cp_model`. Raises ImportError where OR-tools is not installed.

    TensorFlow shows its copy of the libraries that both hold to whatever is loaded later, and the solver crashes with that one. Bound
    deeply, OR-tools finds its own first; only the GNU linker can do this.
    """
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        from ortools.sat.python import cp_model as module
    finally:
        sys.setdlopenflags(flags)
    assert isinstance(module, ModuleType)
    return module
