"""Simulation of designs in SystemVerilog, by Verilator."""
