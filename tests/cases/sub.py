"""Cases of sub: those of add."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ops.sub import Sub

from .add import pairs

CASES = pairs("sub", Sub, lambda clip: Sub(clip=clip), np.subtract)
