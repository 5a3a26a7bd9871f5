"""Kernels for cores without the DSP extension: M0 with Thumb-1, M3."""
