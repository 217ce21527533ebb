"""Every recording of a folder: which files are one recording, and what is predicted.

Files of one name are one recording, as ``s01.mp4`` and ``s01.bdf``. Between the name
and the ending may stand a column of a table of trials, as in ``s01.peripheral.csv``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from deepvanet.bundle import Bundle, list_standings, load_bundle
from deepvanet.bundle.standing import fold_standings
from deepvanet.cells import write_csv
from deepvanet.datasets.recordings.input_files import InputFile
from deepvanet.datasets.recordings.trial_columns import FILES
from deepvanet.files import make_folder, whole_file
from deepvanet.findings import list_some, say_count
from deepvanet.inference.recording_input import RecordingInput, gather_files
from deepvanet.inference.timelines import Timeline, answer_recording
from deepvanet.schema import UserError

VIDEOS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".wmv")
SIGNALS = (
    *(".bdf", ".edf", ".gdf", ".fif", ".vhdr", ".set", ".xdf", ".acq", ".cnt"),
    *(".csv", ".tsv", ".txt", ".parquet", ".dat", ".mat", ".pkl"),
)
SUMMARY = "recordings.csv"
COLUMNS = ("recording", "files", "n_rows", "n_answered", "n_with_face", "error")


@dataclass(frozen=True)
class FolderRecording:
    """Files of one name.

    Attributes
    ----------
    name : str
        What they have in common.
    error : str
        Why they are no recording; empty if they are one.
    """

    name: str
    files: tuple[InputFile, ...]
    error: str = ""


@dataclass(frozen=True)
class FolderTimelines:
    """What was predicted of a folder.

    Attributes
    ----------
    summary : DataFrame
        Columns ``COLUMNS``, a row a recording.
    out : Path
        Folder of the timelines, each called as its recording.
    unused : tuple of str
        Names of files that are none of a recording.
    worth : tuple of str
        How each answer of the bundle stands to its prior.
    """

    summary: pd.DataFrame
    out: Path
    unused: tuple[str, ...]
    worth: tuple[str, ...] = ()

    @property
    def failed(self) -> list[str]:
        """The recordings of which nothing is predicted."""
        return [
            str(name) for name in self.summary["recording"][self.summary["error"] != ""]
        ]

    def lines(self) -> list[str]:
        """Say it in sentences."""
        n_done = len(self.summary) - len(self.failed)
        lines = [f"{say_count(n_done, 'recording')} predicted: {self.out}", *self.worth]
        if self.unused:
            files = say_count(len(self.unused), "file is", "files are")
            lines.append(f"{files} not used: {list_some(self.unused)}")
        return lines


def list_recordings(folder: Path) -> tuple[list[FolderRecording], list[str]]:
    """Return the recordings of a folder, and the names of files that are none.

    Raises
    ------
    UserError
        When it is no folder, or holds no recording.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder", field="folder")
    groups: dict[str, list[InputFile]] = {}
    unused = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        stem, _, column = path.stem.rpartition(".")
        if column not in FILES:
            stem, column = path.stem, _tell_column(path)
        if column:
            groups.setdefault(stem, []).append(InputFile(column, str(path)))
        else:
            unused.append(path.name)
    if not groups:
        raise UserError(
            f"{folder}: holds no video and no file of signals; those of one recording "
            "have one name, as s01.mp4 and s01.bdf",
            field="folder",
        )
    found = [
        FolderRecording(name, tuple(files), _find_doubt(files))
        for name, files in groups.items()
    ]
    return found, unused


def _tell_column(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in VIDEOS:
        return "video"
    return "bio" if suffix in SIGNALS else ""


def _find_doubt(files: Sequence[InputFile]) -> str:
    for column in dict.fromkeys(item.column for item in files):
        own = [Path(item.name).name for item in files if item.column == column]
        if len(own) > 1:
            what = "are both signals" if column == "bio" else f"are both {column}"
            named = Path(own[1])
            return (
                f"{list_some(own)} {what}: call one as {named.stem}.peripheral"
                f"{named.suffix}"
            )
    return ""


def predict_folder(
    model: Path, folder: Path, out: Path, recording: RecordingInput
) -> FolderTimelines:
    """Predict every recording of a folder; one that cannot be read stops no other.

    Parameters
    ----------
    model : Path
        Folder that ``train`` wrote.
    folder : Path
        Files of one name are one recording.
    out : Path
        Folder for a timeline of each, and ``recordings.csv``.
    recording : RecordingInput
        What holds for each of them, without files.

    Returns
    -------
    FolderTimelines
        What was done with each.

    Raises
    ------
    UserError
        When there is no bundle or no recording, or files are given beside the folder.
    """
    if recording.files:
        raise UserError("has the files, so none can be given beside it", field="folder")
    bundle = load_bundle(model)
    found, unused = list_recordings(folder)
    make_folder(out)
    rows = [_predict_one(bundle, item, out, recording) for item in found]
    summary = pd.DataFrame(rows, columns=list(COLUMNS))
    with whole_file(out / SUMMARY) as unfinished:
        write_csv(summary, unfinished)
    worth = tuple(said for _, said in fold_standings(list_standings(bundle)))
    return FolderTimelines(summary, out, tuple(unused), worth)


def _predict_one(
    bundle: Bundle, item: FolderRecording, out: Path, recording: RecordingInput
) -> dict[str, object]:
    names = " ".join(Path(file.name).name for file in item.files)
    row: dict[str, object] = {"recording": item.name, "files": names}
    try:
        if item.error:
            raise UserError(item.error)
        files = gather_files(item.files, video_offset_s=recording.video_offset_s)
        timeline = answer_recording(bundle, replace(recording, **files))
    except UserError as error:
        return {
            **row,
            "n_rows": 0,
            "n_answered": 0,
            "n_with_face": 0,
            "error": str(error),
        }
    timeline.write(out / f"{item.name}.csv")
    return {**row, **dict(_count(timeline)), "error": ""}


def _count(timeline: Timeline) -> Iterator[tuple[str, int]]:
    yield "n_rows", len(timeline.table)
    yield "n_answered", int((timeline.table["streams"] != "").sum())
    yield "n_with_face", int(timeline.table["face_found"].sum())
