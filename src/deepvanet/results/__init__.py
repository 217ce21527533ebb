"""What a run leaves on disk: predictions, and how they came about.

The folder::

    RUN/predictions.csv    one row a test segment: the result, all else is derived
        segments.csv       fold by fold, which row trained, validated, tested
        history.csv        one row an epoch of every fit
        choices.csv        what else each fit chose: lengths, fusion weights
        permutations.csv   scores with ratings exchanged, of learners that were permuted
        trials.csv         the store's table of trials: what each video gave
        findings.json      what was odd or assumed in the recordings
        leakage.json       what training and test shared, for every fold
        settings.toml      what changes numbers
        environment.json   what does not
        recordings.csv     one row a raw recording: what cleaning took away
        spectra.csv        power by frequency, before and after cleaning
        excerpt.npz        ten seconds before and after

The last three are there where raw recordings were read. Identifiers are text;
numbers have nine digits, which keep a float32; equal tables give equal bytes.
"""

from deepvanet.results.columns import (
    CHOICE_COLUMNS,
    HISTORY_COLUMNS,
    NOTE_SEPARATOR,
    PART_LETTERS,
    PREDICTION_COLUMNS,
    PREDICTION_KEYS,
    RECORDING_COLUMNS,
    SEGMENT_COLUMNS,
    SPECTRUM_COLUMNS,
    TRIAL_COLUMNS,
    prediction_columns,
)
from deepvanet.results.excerpt import CleaningExcerpt, read_excerpt
from deepvanet.results.given_predictions import (
    add_probabilities,
    read_cells,
    read_columns,
    read_given_predictions,
)
from deepvanet.results.json_files import read_json, write_json
from deepvanet.results.leakage import (
    read_leakage,
    sharing_of,
    training_sizes_of,
    write_leakage,
)
from deepvanet.results.run import RUN_FORMAT, Run, open_run, read_run_settings
from deepvanet.results.tables import (
    check_predictions,
    count_removed,
    read_cleaned_recordings,
    read_permutations,
    read_predictions,
    read_spectra,
    read_table,
    write_predictions,
    write_table,
)

__all__ = [
    "CHOICE_COLUMNS",
    "HISTORY_COLUMNS",
    "NOTE_SEPARATOR",
    "PART_LETTERS",
    "PREDICTION_COLUMNS",
    "PREDICTION_KEYS",
    "RECORDING_COLUMNS",
    "RUN_FORMAT",
    "SEGMENT_COLUMNS",
    "SPECTRUM_COLUMNS",
    "TRIAL_COLUMNS",
    "CleaningExcerpt",
    "Run",
    "add_probabilities",
    "check_predictions",
    "count_removed",
    "open_run",
    "prediction_columns",
    "read_cells",
    "read_cleaned_recordings",
    "read_columns",
    "read_excerpt",
    "read_given_predictions",
    "read_json",
    "read_leakage",
    "read_permutations",
    "read_predictions",
    "read_run_settings",
    "read_spectra",
    "read_table",
    "sharing_of",
    "training_sizes_of",
    "write_json",
    "write_leakage",
    "write_predictions",
    "write_table",
]
