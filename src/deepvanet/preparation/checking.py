"""All findings of a folder of recordings, as ``prepare`` would meet them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deepvanet.config import Execution, PrepareSettings
from deepvanet.datasets import CheckResult, check, find_data_set
from deepvanet.datasets.findings import make_result
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.findings import Finding, attempt, collect
from deepvanet.preparation.faces import track_trial
from deepvanet.preprocessing.face import load_backend
from deepvanet.preprocessing.segments import cut_trials


def check_data_set(
    name: str,
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
    faces: bool = False,
) -> CheckResult:
    """Look at every recording of a folder; what cannot be read is a finding.

    Parameters
    ----------
    name : str
        Of a data set.
    root : Path
        The data set as downloaded, or the table of ``recordings``.
    exclude : sequence of str
        Subjects to leave out.
    execution : Execution, optional
        How subjects are looked at in parallel; one after another if not given.
    faces : bool
        Whether the face is tracked through every video, as ``prepare`` does.

    Returns
    -------
    CheckResult
        Tables, and findings, the worst first.
    """
    with collect() as found:
        result = attempt(
            lambda: check(name, root, exclude=exclude, execution=execution), source=root
        )
    if result is None:
        return make_result((), found)
    reader = find_data_set(name).reader
    tracked = _find_faces(name, root, exclude, execution) if faces and reader else []
    return make_result(result.tables, [*found, *result.findings, *tracked])


def _find_faces(
    name: str, root: Path, exclude: Sequence[str], execution: Execution | None
) -> list[Finding]:
    with collect() as found:
        reader = find_data_set(name, "reader").load_reader()
        listed = attempt(lambda: leave_out(reader.list_subjects(root), exclude))
        track = partial(_track_subject, name, root)
        for mine in examine_each(track, listed or [], execution):
            found += mine
    return found


def _track_subject(name: str, root: Path, subject: str) -> list[Finding]:
    reader = find_data_set(name, "reader").load_reader()
    settings = PrepareSettings()
    backend = load_backend(settings.face)
    with collect() as found:
        recordings = attempt(lambda: list(reader.read_recordings(root, subject)))
        for recording in recordings or ():
            for trial in cut_trials(recording):
                track_trial(trial, settings=settings, backend=backend)
    return found
