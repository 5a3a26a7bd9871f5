"""The compiler: the IR, the ops that define it, the frontends that make it and the passes over it."""
