"""Tests of :mod:`deepvanet.datasets.bids.reader`, on data sets that MNE-BIDS wrote."""

import mne
import mne_bids
import numpy as np
import pytest

from deepvanet.cli import main
from deepvanet.datasets import check
from deepvanet.datasets.bids import reader as bids
from deepvanet.findings import Severity, attempt, collect
from deepvanet.schema import ChannelType, Stream, Target, UserError
from deepvanet.store import open_store
from small_recordings import sample_bio, write_edf

LABELS = ("Fp1", "Fp2", "C3", "C4", "O1", "E7", "Heart", "EOGx")
TYPES = ("eeg",) * 6 + ("ecg", "eog")
SFREQ = 128
EVENTS = """\
onset\tduration\ttrial_type\tvalence\tarousal\tnote
1.0\t2.0\thappy\t8\t3\tx
4.0\t0.5\tpause\tn/a\tn/a\tn/a
5.0\t3.0\tsad\t2\tn/a\ty
"""


@pytest.fixture
def root(tmp_path):
    """Two subjects, the second with two runs."""
    for subject, run in (("01", None), ("02", "1"), ("02", "2")):
        write_run(tmp_path / "data", subject, run)
    return tmp_path / "data"


def write_run(root, subject, run, session=None):
    bio = sample_bio(9, sfreq=SFREQ, labels=LABELS, seed=int(subject))
    units = ["uV"] * len(LABELS)
    edf = write_edf(root.parent / "a.edf", bio, labels=LABELS, units=units, sfreq=SFREQ)
    raw = mne.io.read_raw_edf(edf, verbose="ERROR")
    raw.set_channel_types(dict(zip(LABELS, TYPES, strict=True)))
    path = mne_bids.BIDSPath(
        subject=subject,
        session=session,
        run=run,
        task="film",
        datatype="eeg",
        root=root,
    )
    mne_bids.write_raw_bids(raw, path, overwrite=True, verbose="ERROR")
    events = path.copy().update(suffix="events", extension=".tsv").fpath
    events.write_text(EVENTS)
    return events


def test_rated_events_are_the_trials(root):
    (recording,) = bids.read_recordings(root, "01")

    assert bids.list_subjects(root) == ["01", "02"]
    assert recording.sfreq == SFREQ
    spans = [(s.trial, s.stimulus, s.onset_s, s.end_s) for s in recording.spans]
    assert spans == [("1", "happy", 1.0, 3.0), ("2", "sad", 5.0, 8.0)]
    assert recording.spans[0].ratings == {Target.VALENCE: 8.0, Target.AROUSAL: 3.0}
    assert recording.spans[1].ratings == {Target.VALENCE: 2.0}
    assert recording.spans[1].more["note"] == "y"


def test_trials_of_several_runs_are_numbered_through(root):
    recordings = list(bids.read_recordings(root, "02"))

    assert [[s.trial for s in r.spans] for r in recordings] == [["1", "2"], ["3", "4"]]
    assert len({r.name for r in recordings}) == 2


def test_the_session_is_that_of_the_name_of_the_file(tmp_path):
    write_run(tmp_path / "data", "01", None, session="morning")

    (recording,) = bids.read_recordings(tmp_path / "data", "01")

    assert [span.session for span in recording.spans] == ["morning", "morning"]


def test_types_and_units_are_those_of_the_sidecars(root):
    channels = bids.list_channels(root)
    (recording,) = bids.read_recordings(root, "01")

    assert [c.name for c in channels] == list(LABELS)
    assert channels[5].type is ChannelType.EEG
    assert channels[6].type is ChannelType.ECG
    assert channels[7].type is ChannelType.EOG
    expected = sample_bio(9, sfreq=SFREQ, labels=LABELS, seed=1)
    np.testing.assert_allclose(recording.bio, expected, rtol=1e-3, atol=0.1)


def test_a_data_set_in_bids_becomes_a_store_and_is_current_until_a_sidecar_changes(
    root, tmp_path, capsys
):
    out = tmp_path / "store"
    command = ["prepare", "bids", str(root), "--out", str(out), "--jobs", "1"]

    assert main(command) == 0
    assert main(command) == 0

    assert "2 of them finished before" in capsys.readouterr().out
    store = open_store(out).cut()
    assert store.manifest.dataset == "bids"
    assert len(store.rows_with([Stream.EEG, Stream.PERIPHERAL])) == 3 * 5
    write_run(root, "01", None).write_text(EVENTS.replace("\t8\t", "\t7\t"))
    assert main(command) == 0
    assert "1 of them finished before" in capsys.readouterr().out


def test_check_lists_the_trials(root):
    inspection = check("bids", root)

    assert len(inspection.tables[0].rows) == 6
    assert not inspection.errors


def test_what_is_declared_in_the_root_counts(root):
    (root / "recordings.toml").write_text(
        'name = "films"\nrating_range = [0, 10]\nbaseline_s = 1\n'
    )

    (recording,) = bids.read_recordings(root, "01")

    assert bids.name_dataset(root) == "films"
    assert recording.spans[0].ratings[Target.VALENCE] == pytest.approx(7.4)
    assert recording.spans[0].baseline_s == 1.0


def replace_events(root, old, new):
    path = root / "sub-01" / "eeg" / "sub-01_task-film_events.tsv"
    path.write_text(EVENTS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("\t8\t", "\t80\t", r"events\.tsv line 2: valence must be from 1 to 9, got 80"),
        ("1.0\t2.0", "n/a\t2.0", "line 2: onset is n/a, so it is not known when"),
        ("trial_type", "kind", "needs a column stimulus, stim_file, trial_type"),
    ],
)
def test_events_that_cannot_be_used_end_in_a_sentence(root, old, new, sentence):
    replace_events(root, old, new)

    with pytest.raises(UserError, match=sentence):
        bids.list_subjects(root)


def test_folders_without_a_rated_event_are_refused(root, tmp_path):
    with pytest.raises(UserError, match=r"dataset_description\.json is missing"):
        bids.list_subjects(tmp_path)
    for path in root.rglob("*_events.tsv"):
        path.write_text("onset\tduration\ttrial_type\n1.0\t2.0\thappy\n")
    with pytest.raises(UserError, match=r"no events\.tsv beside EEG has a row with"):
        bids.list_subjects(root)


def look(root):
    """Return the rows of a data set, and what was found."""
    with collect() as found:
        source = attempt(lambda: bids.read_source(root))
    return list(source.rows if source else ()), found


def write_bare(root, *, subjects=("01", "02"), events=EVENTS):
    """Write names of files without signals, as the reader of events sees them."""
    for subject in subjects:
        folder = root / f"sub-{subject}" / "eeg"
        folder.mkdir(parents=True)
        (folder / f"sub-{subject}_task-film_eeg.edf").touch()
        if events:
            own = folder / f"sub-{subject}_task-film_events.tsv"
            own.write_text(events)
    (root / "dataset_description.json").write_text("{}")
    return root


@pytest.mark.parametrize(
    "name",
    [
        "task-film_events.tsv",
        "events.tsv",
        "sub-01/sub-01_task-film_events.tsv",
        "sub-01/eeg/sub-01_events.tsv",
    ],
)
def test_events_are_inherited_from_a_folder_above(tmp_path, name):
    root = write_bare(tmp_path, subjects=("01",), events="")
    (root / name).write_text(EVENTS)

    rows, found = look(root)

    assert [(row.onset_s, row.stimulus) for row in rows] == [
        (1.0, "happy"),
        (5.0, "sad"),
    ]
    assert rows[0].table == root / name
    assert all(finding.severity is Severity.NOTE for finding in found)
    assert root / name in bids.input_files(root, "01")


def test_the_nearest_events_count_and_those_of_another_task_do_not(tmp_path):
    root = write_bare(tmp_path, subjects=("01",))
    (root / "task-film_events.tsv").write_text(EVENTS.replace("happy", "angry"))
    (root / "task-rest_events.tsv").write_text(EVENTS.replace("happy", "tired"))

    assert [row.stimulus for row in look(root)[0]] == ["happy", "sad"]


def test_two_events_files_that_apply_alike_are_an_error(tmp_path):
    root = write_bare(tmp_path, subjects=("01",), events="")
    for name in ("task-film_events.tsv", "sub-01_events.tsv"):
        (root / name).write_text(EVENTS)

    assert [f.code for f in look(root)[1]][:1] == ["R29"]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("valence", "Valence", "R01", "the nearest is valence"),
        ("onset", "onset_s", "R01", "the nearest is onset"),
        ("duration", "Duration", "R01", "the nearest is duration"),
        ("trial_type", "TrialType", "R01", "the nearest is trial_type"),
        ("\tnote", "\tvalence", "R03", "two columns are called valence"),
        ("1.0\t2.0", "n/a\t2.0", "R22", "onset is n/a"),
        ("1.0\t2.0", "1.0\tn/a", "T53", "duration of 1 of 2 rated events is n/a or 0"),
        ("1.0\t2.0", "1.0\t0", "T53", "duration of 1 of 2 rated events is n/a or 0"),
        ("\t8\t", "\t80\t", "R10", "valence must be from 1 to 9, got 80"),
    ],
)
def test_what_is_odd_of_events_is_found(tmp_path, old, new, code, words):
    root = write_bare(tmp_path, events=EVENTS.replace(old, new))

    found = [finding for finding in look(root)[1] if finding.code == code]

    assert len(found) == 2  # of two subjects
    assert words in found[0].sentence


def test_events_and_columns_that_are_not_used_are_named(tmp_path):
    events = EVENTS.replace("note", "stim_file")

    rows, found = look(write_bare(tmp_path, subjects=("01",), events=events))

    said = {f.sentence for f in found}
    assert said == {
        "1 events have no rating and are not used: pause (1)",
        "arousal is empty in 1 of 2 rated trials: subject 01",
        "trial_type: kept, not used, since stim_file says what was shown",
    }
    assert rows[0].stimulus == "x"
    assert rows[0].more == {"trial_type": "happy"}


def test_what_is_known_of_participants_is_kept_with_their_trials(tmp_path):
    root = write_bare(tmp_path)
    (root / "participants.tsv").write_text(
        "participant_id\tage\tgroup\nsub-01\t30\tpatient\nsub-03\t40\tcontrol\n"
    )

    rows, found = look(root)

    assert rows[0].more == {"age": "30", "group": "patient", "note": "x"}
    assert rows[2].more == {"note": "x"}
    of_people = [f.code for f in found if f.source.endswith("participants.tsv")]
    assert of_people == ["R02", "F08", "F03"]
    assert root / "participants.tsv" in bids.input_files(root, "01")


def test_recordings_without_events_are_named(tmp_path):
    root = write_bare(tmp_path)
    (root / "sub-02" / "eeg" / "sub-02_task-film_events.tsv").unlink()

    _, found = look(root)

    (note,) = [f for f in found if f.code == "F02"]
    assert note.sentence.endswith("no events.tsv: sub-02_task-film_eeg.edf")
