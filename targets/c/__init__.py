"""Portable C99: the kernels that every C-like target inherits, and the emitter that they share."""
