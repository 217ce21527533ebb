"""Tests of the table of trials and of ``recordings.toml``: what they refuse."""

import pytest

from deepvanet.datasets.recordings.trial_table import read_rows
from deepvanet.schema import Target, UserError
from deepvanet.signal_io.declared import Declaration, read_declared
from deepvanet.signal_io.units import spell_unit

BOTH_OF_THE_VIDEO = """\
subject,trial,stimulus,bio,video_offset_s,video_marker,valence
1,1,x,a.edf,0,go,5
"""
HEAD = "subject,trial,stimulus,bio,onset_s,duration_s,valence\n"


@pytest.fixture
def table(tmp_path):
    """Write a table beside two files; return its place."""

    def write(text):
        for name in ("a.edf", "b.edf", "a.mp4"):
            (tmp_path / name).touch()
        (tmp_path / "trials.csv").write_text(text)
        return tmp_path / "trials.csv"

    return write


def test_a_row_is_a_trial_and_what_is_not_known_here_is_kept(table):
    path = table(
        "subject,trial,stimulus,video,bio,arousal,sex,onset_s\n"
        "01,1,clip,a.mp4,a.edf,3,f,2.5\n"
    )

    (row,) = read_rows(path, Declaration())

    assert (row.subject, row.trial, row.stimulus) == ("01", "1", "clip")
    assert [file.name for file in row.files] == ["a.edf", "a.mp4"]
    assert row.onset_s == 2.5
    assert row.duration_s is None
    assert row.ratings == {Target.AROUSAL: 3.0}
    assert row.more == {"sex": "f"}


def test_a_row_may_state_its_session(table):
    path = table(
        "subject,trial,stimulus,bio,valence,session\n"
        "1,1,x,a.edf,3,monday\n2,1,x,b.edf,3,n/a\n"
    )

    assert [row.session for row in read_rows(path, Declaration())] == ["monday", ""]


def test_a_peripheral_file_alone_has_the_clock(table):
    path = table("subject,trial,stimulus,peripheral,valence\n1,1,x,a.edf,3\n")

    (row,) = read_rows(path, Declaration())

    assert row.bio.name == "a.edf"
    assert row.peripherals == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("subject,trail,stimulus\n", "column trail: not known, the nearest is trial"),
        ("subject,trial,bio,valence\n", "column stimulus is missing"),
        ("subject,trial,stimulus,bio\n", "needs a column of ratings, valence or arous"),
        ("subject,trial,stimulus,valence\n", "needs a column of files, video or bio"),
        (HEAD, "holds no trial"),
        (HEAD + ",1,x,a.edf,0,1,5\n", "line 2: subject is empty"),
        (HEAD + "1,1,x,,0,1,5\n", "line 2: names no file, neither video nor bio"),
        (HEAD + "1,1,x,c.edf,0,1,5\n", r"line 2: bio 'c\.edf' is not there"),
        (HEAD + "1,1,x,a.edf,noon,1,5\n", "onset_s must be a number, got 'noon'"),
        (HEAD + "1,1,x,a.edf,inf,1,5\n", "onset_s must be a number, got 'inf'"),
        (HEAD + "1,1,x,a.edf,-2,1,5\n", "onset_s must be 0 or above, got -2"),
        (HEAD + "1,1,x,a.edf,0,0,5\n", "duration_s must be above 0, got 0"),
        (HEAD + "1,1,x,a.edf,0,1,10\n", "valence must be from 1 to 9, got 10; assumed"),
        (HEAD + "1,1,x,a.edf,0,1,5\n" * 2, "trial 1 of subject 1 stands there twice"),
        (
            "subject,trial,stimulus,bio,onset_s,marker,valence\n1,1,x,a.edf,0,go,5\n",
            "has both onset_s and marker",
        ),
        (
            BOTH_OF_THE_VIDEO,
            "has both video_offset_s and video_marker",
        ),
        (
            "subject,trial,stimulus,video,marker,valence\n1,1,x,a.mp4,go,5\n",
            "has a marker but no signals to find it in",
        ),
        (
            "subject,trial,stimulus,video,valence\n1,1,x,a.mp4,5\n",
            "needs duration_s, since it has no signals",
        ),
    ],
)
def test_tables_that_cannot_be_used_end_in_a_sentence(table, text, sentence):
    with pytest.raises(UserError, match=sentence):
        read_rows(table(text), Declaration())


def test_a_table_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(UserError, match="is a folder, expected a table of trials"):
        read_rows(tmp_path, Declaration())
    with pytest.raises(UserError, match="no such file, expected a table of trials"):
        read_rows(tmp_path / "b.csv", Declaration())
    with pytest.raises(UserError, match="cannot be read: File name too long"):
        read_rows(tmp_path / f"{'a' * 300}.csv", Declaration())
    for content, sentence in (
        (b"\xff\xfes\x00u\x00", "columns? subject, trial, stimulus are missing"),
        (b"\xff\xfes", "is not a table of trials in CSV"),
        (b"PK\x03\x04", "a workbook of a spreadsheet program: save it there as CSV"),
        (b"subject,trial\x00", "is no text, expected a table of trials"),
        (b"", "is empty"),
        (b'subject,trial,stimulus\n1,"a,b\n1,c,d\n', "line 3: is not a table in CSV"),
    ):
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(UserError, match=sentence):
            read_rows(tmp_path / "a.csv", Declaration())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("= 3", r"recordings\.toml: cannot be read"),
        ("egg = []", "unknown key 'egg', did you mean 'eeg'"),
        ("[xdf]\nstream = []", r"unknown key of \[xdf\] 'stream', did you mean 'str"),
        ("xdf = 3", r"xdf must be a table, as \[xdf\], got 3"),
        ("name = 3", "name must be a text, got 3"),
        ('eeg = "Fp1"', "eeg must be a list of names, got 'Fp1'"),
        ("line_hz = -50", "line_hz must be a number from 0, got -50"),
        ("rating_range = 5", r"rating_range must be .* \[1, 5\], got 5"),
        ("rating_range = [5, 1]", r"rating_range must rise, got \[5, 1\]"),
        ('[peripherals]\nX = "head"', "peripheral X must be one of eog, .*got 'head'"),
        ('[units]\nX = "furlong"', "unit of X must be as V, mV, .*got 'furlong'"),
    ],
)
def test_declarations_that_are_not_understood_end_in_a_sentence(
    tmp_path, text, sentence
):
    (tmp_path / "recordings.toml").write_text(text)

    with pytest.raises(UserError, match=sentence):
        read_declared(tmp_path)


def test_the_example_in_the_documentation_is_understood(tmp_path):
    from deepvanet.signal_io import declared

    text = declared.__doc__.split("::\n", 1)[1]
    lines = [line.strip().split("  ")[0] for line in text.splitlines()]
    (tmp_path / "recordings.toml").write_text("\n".join(lines))

    found = read_declared(tmp_path)

    assert found.rating_range == (1.0, 5.0)
    assert found.streams == ("EEG", "Shimmer")
    assert found.units == {"eeg": "V"}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("\u03bcS", "uS"),
        ("KOHMS", "kOhm"),
        ("Volts", "V"),
        ("furlong", "furlong"),
        ("n/a", ""),
    ],
)
def test_units_are_known_by_their_spellings(text, unit):
    assert spell_unit(text) == unit
