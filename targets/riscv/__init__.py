"""RISC-V cores of 32 bits, built by clang."""
