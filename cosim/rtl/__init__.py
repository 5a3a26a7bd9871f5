"""Cores as RTL, simulated cycle by cycle."""
