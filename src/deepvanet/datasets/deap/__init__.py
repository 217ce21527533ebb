"""DEAP, its preprocessed files."""
