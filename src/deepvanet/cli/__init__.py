"""The command line of ``deepvanet``."""

from deepvanet.cli.app import app, main

__all__ = ["app", "main"]
