"""Valence and arousal from face video and bio-signals."""

__version__ = "0.1.0"
