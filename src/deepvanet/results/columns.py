"""The columns of the tables that a run leaves."""

from deepvanet.metrics import HIGH_LOW, Form
from deepvanet.schema import KEY_COLUMNS

PREDICTION_KEYS = (
    "target",
    "learner",
    "streams",
    "protocol",
    "seed",
    "fold",
    "subject",
    "trial",
    "stimulus",
    "segment",
)
"""What identifies a row of predictions of any task."""


def prediction_columns(form: Form) -> tuple[str, ...]:
    """Return the columns of predictions of a form.

    Examples
    --------
    >>> from deepvanet.metrics import make_form
    >>> prediction_columns(make_form(["calm", "stress"]))[-3:]
    ('prediction', 'probability_calm', 'probability_stress')
    """
    return *PREDICTION_KEYS, *form.columns


PREDICTION_COLUMNS = prediction_columns(Form(HIGH_LOW))
"""Of the task ``high-low``."""

HISTORY_COLUMNS = (
    *KEY_COLUMNS,
    "seed",
    "subject",
    "fold",
    "epoch",
    "train_loss",
    "watched_loss",
    "watched_accuracy",
    "chosen",
)

CHOICE_COLUMNS = (*KEY_COLUMNS, "seed", "subject", "fold", "name", "value")
"""What a fit chose beside the epoch: lengths of feature vectors, fusion weights."""

SEGMENT_COLUMNS = (
    "protocol",
    "target",
    "streams",
    "seed",
    "subject",
    "trial",
    "stimulus",
    "segment",
    "folds",
)

PART_LETTERS = {
    "train": "R",
    "validation": "V",
    "refitted": "W",
    "test": "E",
    "discarded": "-",
}
"""What a row did in a fold: tRained, Validated, validated and then trained (W), tEsted,
or neither. Column ``folds`` of
``segments.csv`` has one letter for each fold, the first for fold 0."""

TRIAL_COLUMNS = ("subject", "trial", "stimulus")
"""Columns of ``trials.csv`` that identify a row; more follow."""

RECORDING_COLUMNS = (
    "subject",
    "recording",
    "n_trials",
    "seconds",
    "sfreq",
    "artefacts",
    "is_unmixed",
    "n_eeg",
    "bad_channels",
    "n_components",
    "n_removed",
    "removed",
    "variance_removed",
    "note",
)
"""``bad_channels`` is ``+``-joined; ``removed`` is as ``eye:2+muscle:1``;
``variance_removed`` is the fraction of the EEG's variance between 4 and 45 Hz that
ICA removed, blank where ICA was not used; ``note`` holds sentences joined by
``NOTE_SEPARATOR``."""

NOTE_SEPARATOR = "; "

SPECTRUM_COLUMNS = ("subject", "recording", "frequency_hz", "before_db", "after_db")
"""Median over EEG channels of the power density, in dB re 1 uV^2/Hz."""
