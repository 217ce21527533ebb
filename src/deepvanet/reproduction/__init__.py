"""The tables and figures of the paper: published, ours, and what leaks."""

from deepvanet.reproduction.plans import PARTS, SIZES
from deepvanet.reproduction.run import reproduce

__all__ = ["PARTS", "SIZES", "reproduce"]
