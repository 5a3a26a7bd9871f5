"""Log-mel features of spoken digits (FSDD, 8 kHz): 49 frames of 32 ms every 16 ms, 20 mel bands, 0.8 s around the loudest part."""
from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
RATE, WINDOW, HOP, FRAMES, BANDS = 8000, 256, 128, 49, 20
SAMPLES = WINDOW + HOP * (FRAMES - 1)


def mel_bands() -> npt.NDArray[np.float64]:
    """Triangles of equal width in mel (O'Shaughnessy's formula) from 60 Hz to 4 kHz: (BANDS, WINDOW / 2 + 1)."""
    edges = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 4000 / 700), BANDS + 2)
    hertz = 700 * (10 ** (edges / 2595) - 1)
    frequency = np.fft.rfftfreq(WINDOW, 1 / RATE)
    rise = (frequency - hertz[:-2, None]) / (hertz[1:-1] - hertz[:-2])[:, None]
    fall = (hertz[2:, None] - frequency) / (hertz[2:] - hertz[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall))


def features(pcm: npt.NDArray[np.int16]) -> Array:
    """Samples of one recording to (FRAMES, BANDS): the stretch with most energy, padded with silence, each band in log power."""
    x = pcm.astype(np.float64) / 32768
    if len(x) > SAMPLES:
        energy = np.concatenate([[0.0], np.cumsum(x**2)])
        start = int(np.argmax(energy[SAMPLES:] - energy[:-SAMPLES]))
        x = x[start : start + SAMPLES]
    before = (SAMPLES - len(x)) // 2
    x = np.pad(x, (before, SAMPLES - len(x) - before))
    frames = np.lib.stride_tricks.sliding_window_view(x, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    return np.log(power @ mel_bands().T + 1e-6).astype(np.float32)
