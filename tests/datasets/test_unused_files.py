"""Files beside a table of trials, or within BIDS, that no trial names."""

import shutil

import pytest
from test_bids import write_bare

from deepvanet.datasets.bids.reader import read_source as read_bids
from deepvanet.datasets.recordings.reader import read_source
from deepvanet.datasets.recordings.unused_files import report_unused_files
from deepvanet.findings import collect
from small_recordings import sample_bio, write_edf, write_trials


def look(source):
    with collect() as found:
        report_unused_files(source)
    return found


@pytest.fixture
def root(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(10))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "x.mp4").touch()
    row = {"subject": 1, "trial": 1, "stimulus": "clips/x.mp4", "bio": "a.edf"}
    cells = {"onset_s": 1, "duration_s": 4, "valence": 3, "arousal": 7}
    return write_trials(tmp_path / "trials.csv", [row | cells])


def test_a_folder_with_what_rows_name_and_what_people_read_has_no_note(root):
    for name in ("README.md", "recordings.toml", ".hidden.edf", "LICENSE"):
        (root.parent / name).touch()

    assert look(read_source(root)) == []


def test_files_that_no_row_names_are_one_note(root):
    for name in ("b.edf", "b.mp4", "clips/y.mp4"):
        (root.parent / name).touch()
    (root.parent / "old" / "more").mkdir(parents=True)
    for number in range(30):
        (root.parent / "old" / "more" / f"{number}.edf").touch()

    (note,) = look(read_source(root))

    assert note.code == "F02"
    assert note.sentence == (
        "33 files are not used, as no trial names them: b.edf, b.mp4, clips/y.mp4, "
        "old/ (30 files)"
    )


def test_companions_of_a_header_are_used_and_those_of_others_are_not(root):
    folder = root.parent
    text = root.read_text().replace("a.edf", "a.vhdr")
    root.write_text(text)
    for name in ("a.vhdr", "a.eeg", "a.vmrk", "c.eeg"):
        (folder / name).touch()

    (note,) = look(read_source(root))

    assert note.sentence.endswith(": a.edf, c.eeg")


def test_sidecars_of_bids_are_used_and_recordings_without_rated_trials_are_named(
    tmp_path,
):
    root = write_bare(tmp_path)
    assert look(read_bids(root)) == []
    eeg = root / "sub-01" / "eeg"
    shutil.copy(eeg / "sub-01_task-film_eeg.edf", eeg / "sub-01_task-rest_eeg.edf")
    (eeg / "sub-01_task-rest_events.tsv").write_text("onset\tduration\n1\t2\n")
    (root / "sub-01" / "beh").mkdir()
    (root / "sub-01" / "beh" / "sub-01_video.mp4").touch()

    (note,) = look(read_bids(root))

    assert note.sentence.endswith(
        "sub-01/eeg/sub-01_task-rest_eeg.edf, "
        "sub-01/eeg/sub-01_task-rest_events.tsv, sub-01/beh/ (1 file)"
    )
