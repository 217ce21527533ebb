"""AMIGOS: 40 people watch 16 short and four long videos [1]_.

Read as downloaded, nothing renamed::

    data_preprocessed/Data_Preprocessed_P01/Data_Preprocessed_P01.mat
    .../P1_10_face.mov      the face of subject 1 before video 10, in any folder

A subject's file holds signals and ratings of all videos, and which is which; where
the zips were unpacked does not matter. The first five seconds of signals and video
alike are rest. These are the short videos; ``amigos_long`` reads the others.

References
----------
.. [1] Miranda-Correa, Abadi, Sebe, Patras (2021). AMIGOS: a dataset for affect,
   personality and mood research on individuals and groups. IEEE Trans. Affective
   Computing 12(2), 479-493.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deepvanet.datasets.amigos.files import (
    BASELINE_S,
    LONG,
    SFREQ,
    SHORT,
    Viewing,
    find_faces,
    find_files,
    find_home,
    list_trials,
    read_viewings,
)
from deepvanet.datasets.file_trials import pick_trial
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.schema import (
    Channel,
    ChannelType,
    Recording,
    Trial,
    UserError,
    as_recording,
)

IS_RAW = False

_EEG = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4"
CHANNELS = (
    *(Channel(name, ChannelType.EEG, "uV") for name in _EEG.split()),
    # the units of the others are not documented
    Channel("ECG_Right", ChannelType.ECG, "a.u."),
    Channel("ECG_Left", ChannelType.ECG, "a.u."),
    Channel("GSR", ChannelType.GSR, "a.u."),
)
"""The columns of ``joined_data``."""


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "amigos")


def list_subjects(root: Path) -> list[str]:
    """Return the subjects that have a file, "01" to "40" at most.

    Raises
    ------
    UserError
        When the folder is missing, is not AMIGOS, or has two files of one.
    """
    return list(find_files(root))


def read_recordings(
    root: Path, subject: str, *, videos: Sequence[str] = SHORT
) -> Iterator[Recording]:
    """Read a subject's file, then yield each trial as a recording of its own.

    Parameters
    ----------
    videos : sequence of str
        Which are trials.

    Raises
    ------
    UserError
        When the file is not as documented, or has no trial.
    """
    file, faces = find_files(root)[subject], find_faces(root, subject)
    usable = list_trials(file, read_viewings(file), videos)
    return (as_recording(_make_trial(subject, viewing, faces)) for viewing in usable)


def input_files(
    root: Path, subject: str, *, videos: Sequence[str] = SHORT
) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    faces = find_faces(root, subject)
    shown = [faces[video] for video in videos if video in faces]
    return [find_files(root)[subject], *shown]


def holds(path: Path) -> bool:
    """Say whether a file has a subject's signals and lies in its data set."""
    return find_home(path) is not None


def read_file(path: Path, trial: str | None) -> Recording:
    """Read one trial of a subject's file that lies in its data set, short or long.

    Parameters
    ----------
    trial : str
        Its place in the file, from 1.

    Raises
    ------
    UserError
        When the file cannot be read or has no such trial.
    """
    home = find_home(path)
    if home is None:
        raise UserError(f"{path}: no file of AMIGOS")
    root, subject = home
    found = read_recordings(root, subject, videos=(*SHORT, *LONG))
    by_trial = {recording.name: recording for recording in found}
    return pick_trial(path, trial, by_trial)


def _make_trial(subject: str, viewing: Viewing, faces: Mapping[str, Path]) -> Trial:
    return Trial(
        subject=subject,
        trial=f"{viewing.place:02d}",
        stimulus=viewing.video,
        bio=viewing.bio,
        sfreq=SFREQ,
        baseline_s=BASELINE_S,
        channels=CHANNELS,
        video=faces.get(viewing.video),
        fps=None,
        ratings=viewing.ratings,
        more=viewing.further,
        video_onset_s=BASELINE_S,
    )
