"""DEAP, its raw BDF files."""
