"""Co-simulation: every artefact is run and compared with the reference, bit for bit."""
