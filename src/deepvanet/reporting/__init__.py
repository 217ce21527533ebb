"""Finished runs -> scores, figures and one self-contained page."""

from deepvanet.reporting.write import write_report

__all__ = ["write_report"]
