"""Valence and arousal from face video and bio-signals."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from deepvanet.inference import Model

__version__ = "0.1.0"


def load(path: "Path | str") -> "Model":
    """Open a bundle that ``train`` wrote; ``load(...).predict(video=..., bio=...)``.

    Raises
    ------
    UserError
        When there is no whole bundle.
    """
    # array libraries are loaded by who needs them, so that importing is quick
    from deepvanet.inference import load_model

    return load_model(path)
