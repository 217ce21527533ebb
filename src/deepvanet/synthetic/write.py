"""Write a synthetic copy of any data set that has a writer.

Signals come from neurokit2's simulators and an EEG of our own, faces from a
photograph in the public domain that is warped to move. Both follow the same
behaviour: a blink in the video is a blink in the EOG.
"""

from importlib.util import find_spec
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.datasets.records import DATASETS, DataSet, find_data_set
from deepvanet.optional_packages import tell_install
from deepvanet.schema import UserError
from deepvanet.synthetic.difficulty import describe_chance, describe_difficulty
from deepvanet.synthetic.knobs import Knobs

NEEDED = ("neurokit2", "skimage", "edfio")
"""Packages of the extra ``synth``."""


def write_data_set(
    name: str,
    root: Path,
    *,
    n_subjects: int,
    n_trials: int,
    seconds: int | None,
    knobs: Knobs,
    seed: int,
    execution: Execution,
    **options: int | bool | None,
) -> str:
    """Write a synthetic data set; say what it holds, and how hard it is.

    Parameters
    ----------
    name : str
        Of a data set with a writer.
    root : Path
        Folder of the data set; made if it is missing.
    n_subjects, n_trials : int
        Of AFEW-VA: actors, and the clips of each. Where a data set has fewer trials
        than the usual number, it gets what it has.
    seconds : int, optional
        Of a trial or a clip; the data set's usual length if not given.
    knobs : Knobs
        How strongly ratings show.
    seed : int
        Same seed, same files.
    execution : Execution
        Where and how subjects or clips are written.
    **options : int, bool or None
        What single writers take; None and False are not passed on.

    Returns
    -------
    str
        What was written, in sentences.

    Raises
    ------
    UserError
        When the name is unknown, a package is missing, or a number or an option does
        not fit the data set.
    """
    record = find_data_set(name, "writer")
    given = {o: v for o, v in options.items() if v is not None and v is not False}
    for option in given:
        _check_option(record, option)
    for package in NEEDED:
        if find_spec(package) is None:
            raise UserError(
                f"synth: needs {package}, which is not installed: "
                f"{tell_install('edfio')}"
            )
    n_trials = min(n_trials, record.most_trials or n_trials)
    length = record.usual_seconds if seconds is None else seconds
    record.load_writer()(
        root,
        n_subjects=n_subjects,
        n_trials=n_trials,
        seconds=length,
        knobs=knobs,
        seed=seed,
        execution=execution,
        **given,
    )
    if not record.reader:
        return f"{n_subjects} actors, {n_trials} clips each, {length} s a clip"
    unseen = record.unseen_traits
    difficulty = describe_difficulty(knobs, seconds=float(length), unseen=unseen)
    return (
        f"{n_subjects} subjects, {n_trials} trials each, {length} s a trial\n"
        f"{difficulty}\n"
        f"{describe_chance(n_subjects, n_trials)}"
    )


def _check_option(record: DataSet, option: str) -> None:
    if option in record.writer_options:
        return
    takers = [r.name for r in DATASETS.values() if option in r.writer_options]
    raise UserError(f"is for {' and '.join(takers)}, got {record.name}", field=option)
