"""``after-wiem2017``: an SVM on peripheral features, after Wiem and Lachiri.

Wiem and Lachiri (2017), International Journal of Advanced Computer Science and
Applications 8(3). Less than half of the method is known.

**Taken** from the abstract: ECG, respiration, skin temperature and GSR, no EEG; 169
features; an SVM. From memory, not checked: the Gaussian kernel was the best of several.

**Chosen here**: which features (what Koelstra et al. list and what TEAP has, with
moments of each signal and of its first and second differences: 167 of one sensor of
each kind); a plethysmograph in place of an ECG where there is none, as in DEAP; all
features are scaled by training trials; C from 2^-5 to 2^15 and gamma from 2^-15 to 2^3
in five steps each (three with ``--size small``), by the share of errors on 3 inner
folds, the protocol's unit whole; probabilities by a logistic curve on held-out
distances; nothing is filtered beyond what the store has.

**Their protocol** is not known: ``trial-pooled`` with 10 folds is our choice, so that
subjects and stimuli are on both sides. Measured on MAHNOB-HCI, two classes: 68.75 and
64.23. **Known leak**: none is known.
"""

from pathlib import Path

from deepvanet.config import NetworkSettings
from deepvanet.learners.learner import Learner
from deepvanet.schema import Stream
from deepvanet.systems.band_power import measure_long
from deepvanet.systems.trial_machines import Method, TrialMachines, make_loader
from deepvanet.systems.trial_table import FeatureSet

NAME = "after-wiem2017"
METHOD = Method(FeatureSet(NAME, measure_long), (Stream.PERIPHERAL,))


def make_after_wiem2017(
    _name: str,
    settings: NetworkSettings,
    seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner.

    Parameters
    ----------
    _name : str
        Not used: there is one learner only.
    settings : NetworkSettings
        How classes weigh, whether features are compared within subjects, and the size
        of the grid.
    seed : int
        Of inner folds.
    _face_weights : Path | None
        Not used.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return TrialMachines(NAME, METHOD, settings, seed)


load_after_wiem2017 = make_loader(METHOD)
"""Load what a fitted learner saved, or raise ``UserError``."""
