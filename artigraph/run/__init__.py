"""Runs: a block of work with its parameters, curves and results."""
