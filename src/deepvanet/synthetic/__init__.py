"""Synthetic recordings, written in the formats of real ones."""

from deepvanet.synthetic.knobs import Knobs
from deepvanet.synthetic.write import write_data_set

__all__ = ["Knobs", "write_data_set"]
