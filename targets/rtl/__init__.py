"""Register transfer level: SystemVerilog modules, one for each op, streams between them."""
