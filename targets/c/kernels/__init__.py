"""Kernels, and beside those that need more than a call a Python file that says what; a package, so that it is installed."""
