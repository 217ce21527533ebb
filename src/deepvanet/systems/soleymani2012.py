"""``soleymani2012``: chosen features of whole trials, an SVM a modality, added up.

Soleymani, Pantic and Pun (2012), IEEE Transactions on Affective Computing 3(2),
211-223. What is said here of the text is from memory, not checked.

**Taken**: log band power of EEG by Welch, windows of 15 s, in five bands with 14
differences between the sides in four of them (the first author's own function in the
toolbox TEAP has the same bands and windows); features whose one-way analysis of
variance has p < 0.05 on training rows; an SVM with an RBF kernel, C and gamma by a grid
on inner folds of training rows, probabilities as output; modalities are fused by the
sum of their probabilities. With ``soleymani2012:as-published`` features are scaled to 0
to 1 within each participant over all of that participant's trials, the one left out
too, without its labels.

**Chosen here**: two classes or any other task instead of three classes of keywords;
the 39 peripheral features of TEAP, which stand for about 102; EEG and peripheral
signals as modalities (gaze is left out); features are scaled by training trials; C from
2^-5 to 2^15 and gamma from 2^-15 to 2^3 in five steps each (three with ``--size
small``), by the share of errors; 3 inner folds, the protocol's unit whole, where theirs
were 20; features are chosen again within each inner fold; probabilities by a logistic
curve on held-out distances; where no feature passes, the nearest one is read; a rating
is predicted by a support vector regression, its features by a test of a straight line.

**Their protocol**: one participant left out; here ``subject``. Measured on MAHNOB-HCI,
24 participants, three classes made from keywords, so their numbers are not those of two
classes. **Known leak**: the scaling within participants sees the signals of the one who
is left out; ``leaks`` says ``unlabelled`` with ``as-published``. The clips are on both
sides.
"""

from pathlib import Path

from deepvanet.config import NetworkSettings
from deepvanet.learners.learner import Learner
from deepvanet.systems.band_power import measure_long
from deepvanet.systems.support_vectors import select_by_variance
from deepvanet.systems.trial_machines import Method, TrialMachines, make_loader
from deepvanet.systems.trial_table import STREAMS, FeatureSet

NAME = "soleymani2012"
AS_PUBLISHED = f"{NAME}:as-published"
METHOD = Method(FeatureSet(NAME, measure_long), STREAMS, select_by_variance)


def make_soleymani2012(
    name: str,
    settings: NetworkSettings,
    seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner.

    Parameters
    ----------
    name : str
        ``soleymani2012`` or ``soleymani2012:as-published``.
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
    is_within = name == AS_PUBLISHED
    return TrialMachines(name, METHOD, settings, seed, is_within=is_within)


load_soleymani2012 = make_loader(METHOD)
"""Load what a fitted learner saved, or raise ``UserError``."""
