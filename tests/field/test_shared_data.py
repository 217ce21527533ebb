"""Files of other people that lie beside the project go through ``check``."""

import pytest

from deepvanet.findings import Severity
from deepvanet.preparation.checking import check_data_set
from small_recordings import write_trials

FIELD = {
    "01-edf-plus-d-gap": {"T01"},
    "02-onset-without-s": {"R01", "T51"},
    "04-epoch-ms-peripheral": {"T08", "Q02"},
    "06-xdf-two-people": {"C10"},
    "08-xdf-jump": {"T02"},
    "09-xdf-hole": {"T01"},
    "11-nan-cell-lost-packets": {"T01", "Q01"},
    "13-one-text-cell": {"Q03", "Q01"},
    "15-words-in-names": set(),
    "16-unit-spellings": set(),
    "18-edf-no-physical-range": {"C06"},
    "20-edf-latin1-annotation": set(),
    "21-brainvision-other-stem": set(),
    "23-openbci-gui": {"F01", "F08"},
    "26-video-one-duplicate-stamp": {"V02"},
    "27-video-second-person": {"V04"},
}
"""What is an error or a warning in each folder, but for few trials."""

BROKEN = {
    "csv_gap_1e9.csv": "T02",
    "edf_slow.edf": "T06",
    "parquet_bomb.parquet": "F01",
    "xdf_chcount.xdf": "F01",
    "video_30000x1.mkv": "V01",
    "video_gap_1e9s.mkv": "V20",
    "video_unknown_codec.mp4": "V01",
}


def find_odd(data_set, root):
    """Return the codes of errors, and of errors and warnings but for few trials."""
    found = [
        f
        for f in check_data_set(data_set, root).findings
        if f.severity is not Severity.NOTE and f.code != "R07"
    ]
    errors = {f.code for f in found if f.severity is Severity.ERROR}
    return errors, {f.code for f in found}


@pytest.mark.parametrize("name", FIELD)
def test_a_file_of_the_field_has_the_codes_that_are_right(shared_data, name):
    _, codes = find_odd("recordings", shared_data / "field" / name / "trials.csv")

    assert codes == FIELD[name]


def test_units_and_marks_of_bids_are_read(shared_data):
    folder = shared_data / "field" / "24-bids-units-and-bad" / "bids"
    (channels,) = (
        t for t in check_data_set("bids", folder).tables if t.title == "Channels"
    )

    shown = {row[0]: (row[3], row[6]) for row in channels.rows}
    assert shown["GSR"] == ("Ohm", "2000")
    assert shown["Fp1"] == ("uV", "-")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_a_code(shared_data, tmp_path, name):
    column = "video" if name.startswith("video") else "bio"
    row = {"subject": 1, "trial": 1, "stimulus": "a", "valence": 7, "arousal": 3}
    place = {column: shared_data / "broken" / name, "onset_s": 0, "duration_s": 2}
    root = write_trials(tmp_path / "trials.csv", [row | place])

    errors, _ = find_odd("recordings", root)

    assert BROKEN[name] in errors
