"""Modules in SystemVerilog, and beside each that runs a node a Python file that says how; a package, so that it is installed."""
