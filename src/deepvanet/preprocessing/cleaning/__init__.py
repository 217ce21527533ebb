"""Raw EEG of a continuous recording, cleaned the way the field does it.

The modules in the order in which things happen, each standing on those before it:
``filters`` (in time), ``electrodes`` (where they sit; reference, interpolation),
``copies`` (the copy of the EEG that decisions are made on), ``bad_channels``, ``ica``
(artefacts), ``plan`` (what of all this to do, as one matrix), ``facts`` (what it did),
``clean_recording`` (do it).
"""

from deepvanet.preprocessing.cleaning.clean_recording import (
    ARTEFACTS,
    CleaningResult,
    clean,
)
from deepvanet.preprocessing.cleaning.facts import CleaningFacts, Excerpt, Spectra

__all__ = [
    "ARTEFACTS",
    "CleaningFacts",
    "CleaningResult",
    "Excerpt",
    "Spectra",
    "clean",
]
