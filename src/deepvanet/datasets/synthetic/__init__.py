"""Recordings that nobody made, written in the formats of those that were.

Signals come from neurokit2's simulators and an EEG of our own, faces from a
photograph in the public domain that is warped to move. Both follow the same
made-up behaviour: a blink in the video is a blink in the EOG.
"""

from importlib.util import find_spec

from deepvanet.schema import UserError

for _needed in ("neurokit2", "skimage"):
    if find_spec(_needed) is None:
        raise UserError(
            f"synth: needs {_needed}, which is not installed: "
            "pip install 'deepvanet[synth]'"
        )

from deepvanet.datasets.synthetic.deap import write_deap  # noqa: E402
from deepvanet.datasets.synthetic.knobs import Knobs  # noqa: E402

__all__ = ["Knobs", "write_deap"]
