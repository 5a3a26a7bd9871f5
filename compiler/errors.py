"""The errors a user sees: one line each, saying what is wrong, where, and what to do."""
from __future__ import annotations


class TapeoutError(Exception):
    """Bad usage or bad input; the command prints the message alone and exits with status 2."""


class Unsupported(TapeoutError):
    """A model, op or type that a frontend, a pass or a target does not take; the message names the node."""


class CheckFailed(TapeoutError):
    """A check that the user asked for did not hold (equality, budget, threshold); exit status 1."""
