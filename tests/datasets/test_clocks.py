"""Tests of :mod:`deepvanet.datasets.recordings.clocks`, and of videos apart."""

import datetime

import numpy as np
import pytest
from edfio import read_edf

from deepvanet.config import Execution, PrepareSettings
from deepvanet.datasets import check
from deepvanet.datasets.recordings import reader
from deepvanet.findings import FindingError, Severity
from deepvanet.preparation import prepare
from deepvanet.schema import UserError
from films import number_pictures, write_video
from small_recordings import EEG, sample_bio, write_edf, write_trials

NOON = datetime.datetime(2024, 5, 6, 12, 0, tzinfo=datetime.UTC)
HOUR_S = 3600.0


def write_dated_edf(path, *, start=NOON, seconds=20):
    units = ("uV",) * len(EEG)
    write_edf(path, sample_bio(seconds, labels=EEG), labels=EEG, units=units)
    if start is not None:
        edf = read_edf(path)
        edf.startdate, edf.starttime = start.date(), start.time()
        edf.write(path)


def write_csv(path, *, start=NOON, seconds=20, later_s=0.0):
    """Write a skin at 16 Hz that rises by one a second from its first sample."""
    time = np.arange(seconds * 16) / 16
    begin = 0.0 if start is None else start.timestamp()
    rows = [f"{begin + later_s + t:.6f},{5 + t / 10:.4f}" for t in time]
    path.write_text("\n".join(["time,GSR [uS]", *rows]))


def write_pair(folder, *, edf=NOON, csv=NOON, later_s=0.0, seconds=20, **cells):
    """Write a table of one recording with a file of skin beside its EEG."""
    write_dated_edf(folder / "a.edf", start=edf, seconds=seconds)
    write_csv(folder / "p.csv", start=csv, seconds=seconds, later_s=later_s)
    row = {"subject": "1", "stimulus": "x", "bio": "a.edf", "peripheral": "p.csv"}
    more = {"onset_s": 8, "duration_s": 4, "valence": 7, "arousal": 3}
    rows = [{**row, **more, "trial": 1, **cells}]
    return write_trials(folder / "trials.csv", rows)


def list_clocks(table):
    found = check("recordings", table).findings
    return [f for f in found if f.code in ("T05", "T08", "T09")]


def read_skin(table, at_s):
    """Return the skin at a second of the EEG."""
    (recording,) = reader.read_recordings(table, "1")
    names = [channel.name for channel in recording.channels]
    return recording.bio[names.index("GSR"), round(at_s * recording.sfreq)]


@pytest.mark.parametrize("zone", [0, -2, 5.5])
def test_a_file_in_unix_time_is_placed_by_the_clock_on_the_wall_of_another(
    tmp_path, zone
):
    table = write_pair(tmp_path, later_s=3 + zone * HOUR_S)

    (unit, placed) = sorted(list_clocks(table), key=lambda f: "begins" in f.sentence)

    assert (unit.code, placed.code) == ("T05", "T05")
    assert placed.sentence == (
        "begins 3 s after a.edf, by the time that both files state in some zone"
    )
    assert read_skin(table, 10) == pytest.approx(5.7, abs=0.02)
    assert np.isnan(read_skin(table, 1))


def test_files_of_two_days_do_not_overlap_in_check_and_prepare_alike(tmp_path):
    table = write_pair(tmp_path, later_s=30 * HOUR_S)

    (found,) = [f for f in list_clocks(table) if f.code == "T08"]

    assert found.severity is Severity.ERROR
    assert found.sentence == (
        "does not overlap with a.edf: it lasts from 108000 s to 108020 s, the other "
        "from 0 s to 20 s"
    )
    with pytest.raises(FindingError, match="108000 s to 108020 s"):
        list(reader.read_recordings(table, "1"))
    with pytest.raises(UserError, match="T08"):
        prepare(
            "recordings",
            table,
            tmp_path / "store",
            settings=PrepareSettings(),
            execution=Execution(),
        )


def test_an_offset_that_is_stated_is_believed_where_both_then_overlap(tmp_path):
    table = write_pair(tmp_path, later_s=30 * HOUR_S, peripheral_offset_s=0)

    assert [f.code for f in list_clocks(table)] == ["T05"]  # the unit of time
    assert read_skin(table, 10) == pytest.approx(6, abs=0.02)
    beyond = write_pair(tmp_path, peripheral_offset_s=25)
    assert "T08" in [f.code for f in list_clocks(beyond)]


def test_unix_time_beside_a_file_without_a_date_asks_for_the_offset(tmp_path):
    table = write_pair(tmp_path, edf=None)

    (found,) = [f for f in list_clocks(table) if f.code != "T05"]

    assert found.code == "T09"
    assert found.sentence == (
        "p.csv has Unix time, a.edf does not say when it was recorded"
    )
    table = write_pair(tmp_path, edf=None, peripheral_offset_s=0)
    assert [f.code for f in list_clocks(table)] == ["T05"]


@pytest.mark.parametrize("edf", [None, NOON])
def test_two_files_that_count_from_their_own_start_begin_together(tmp_path, edf):
    table = write_pair(tmp_path, edf=edf, csv=None)

    assert list_clocks(table) == []
    assert read_skin(table, 10) == pytest.approx(6, abs=0.02)


def test_a_video_that_shows_nothing_of_its_trials_is_an_error(tmp_path):
    write_dated_edf(tmp_path / "a.edf")
    write_video(tmp_path / "a.mp4", number_pictures(range(50)), fps=10)
    row = {"subject": "1", "stimulus": "x", "bio": "a.edf", "video": "a.mp4"}
    more = {"duration_s": 4, "valence": 7, "arousal": 3, "video_offset_s": 16}
    rows = [{**row, **more, "trial": n, "onset_s": 2 + 6 * n} for n in (0, 1)]
    table = write_trials(tmp_path / "trials.csv", rows)

    (found,) = list_clocks(table)

    assert (found.code, found.severity) == ("T08", Severity.ERROR)
    assert found.sentence == (
        "shows no second of its 2 trials: it lasts from 0 s to 5 s, the first trial "
        "from -14 s to -10 s of it: subject 1 trial 0, subject 1 trial 1"
    )
    rows[1]["onset_s"] = 15
    write_trials(table, rows)
    assert list_clocks(table) == []
    codes = [f.code for f in check("recordings", table).findings]
    assert codes.count("V03") == 2
