"""Tests of what the table of trials, and recordings.toml, make people read."""

import pytest

from deepvanet.datasets.recordings.trial_table import read_rows
from deepvanet.findings import CODES, Severity, attempt, collect
from deepvanet.schema import Target
from deepvanet.signal_io.declared import Declaration, read_declared
from small_recordings import write_trials

SOUND = {"subject": "01", "stimulus": "clip", "bio": "a.edf", "duration_s": 2}


@pytest.fixture
def folder(tmp_path):
    for name in ("a.edf", "b.edf", "a.mp4"):
        (tmp_path / name).touch()
    return tmp_path


def look(path, declared=None, **options):
    """Return the rows of a table, and what was found."""
    with collect() as found:
        rows = attempt(lambda: read_rows(path, declared or Declaration(), **options))
    return rows or [], found


def write(folder, *rows, **renamed):
    """Write sound rows with some cells changed, and some columns renamed."""
    cells = [
        {**SOUND, "trial": n, "onset_s": 3 * n, "valence": 7 - n, **row}
        for n, row in enumerate(rows, 1)
    ]
    named = [{renamed.get(key, key): row[key] for key in row} for row in cells]
    return write_trials(folder / "trials.csv", named)


def codes(found):
    return [finding.code for finding in found]


def test_a_sound_table_has_no_finding(folder):
    rows, found = look(write(folder, {}, {}))

    assert found == []
    assert [row.onset_s for row in rows] == [3.0, 6.0]
    assert rows[1].ratings == {Target.VALENCE: 5.0}


@pytest.mark.parametrize(
    ("column", "other"),
    [
        *[("onset_s", name) for name in ("onset", "Onset", "onset_ms", "Onset (s)")],
        *[("onset_s", name) for name in ("onset_seconds", "start", "movie.started")],
        *[("duration_s", name) for name in ("duration", "Duration", "length", "end")],
        *[
            ("valence", name)
            for name in ("Valence", "VALENCE", "valance", "valence_sam")
        ],
        ("valence", "slider_valence.response"),
        *[("marker", name) for name in ("marker_text", "Marker", "trigger", "markers")],
        *[("video_offset_s", name) for name in ("video_offset", "video_offset_ms")],
        *[("face_choice", name) for name in ("face_box", "Face choice")],
        *[("peripheral", name) for name in ("Peripheral", "peripherals", "physio")],
    ],
)
def test_a_column_that_is_nearly_known_is_an_error_with_the_known_name(
    folder, column, other
):
    extra = {
        "marker": {"marker": "", "arousal": 3},
        "video_offset_s": {"video": "a.mp4", "video_offset_s": 0, "arousal": 3},
        "face_choice": {"video": "a.mp4", "face_choice": "left"},
        "peripheral": {"peripheral": "b.edf"},
    }
    row = {"arousal": 3, **extra.get(column, {})}

    rows, found = look(write(folder, row, **{column: other}))

    (finding,) = [f for f in found if f.severity is Severity.ERROR]
    assert finding.code == "R01"
    assert finding.place == f"column {other}"
    assert f"the nearest is {column}" in finding.sentence
    assert f"rename it to {column}" in finding.cure
    assert other in rows[0].more


@pytest.mark.parametrize(
    ("column", "other"),
    [
        *[("subject", name) for name in ("participant", "participant_id", "Subject")],
        *[("trial", name) for name in ("trials.thisN", "trail", "Trial", "trial_nr")],
        *[("stimulus", name) for name in ("stim_file", "trial_type", "Stimulus")],
        ("bio", "eeg_file"),
    ],
)
def test_a_needed_column_of_another_name_is_named_too(folder, column, other):
    rows, found = look(write(folder, {}, **{column: other}))

    assert rows == []
    assert codes(found) == ["R01", "R21"]
    assert found[0].sentence == f"not known, the nearest is {column}"


def test_columns_far_from_any_known_name_are_one_note(folder):
    more = dict.fromkeys(("age", "gender", "notes", "dominance", "liking"), "x")
    more |= dict.fromkeys(("familiarity", "order", "condition"), "x")
    more |= dict.fromkeys(("group", "block", "sex", "event", "rt", "label"), "1")
    more |= dict.fromkeys(("experimenter", "date", "handedness", "expName"), "1")

    rows, found = look(write(folder, more))

    (note,) = found
    assert note.code == "R02"
    assert note.sentence.startswith("18 columns are kept, not used: age, gender, not")
    assert rows[0].more == more


def test_two_columns_of_one_thing_are_asked_about_unless_they_agree(folder):
    same, found = look(write(folder, {"onset_ms": 3000, "Onset": "3.0"}))
    assert codes(found) == ["R02"]
    _, found = look(write(folder, {"Valence": 2}))
    assert codes(found) == ["R03", "R02"]
    assert found[0].sentence == "columns valence and Valence differ, and mean one thing"
    assert same[0].onset_s == 3.0


def test_two_columns_of_one_name_are_an_error(folder):
    path = folder / "trials.csv"
    path.write_text("subject,trial,stimulus,bio,valence,valence\n1,1,x,a.edf,7,2\n")

    (row,), found = look(path)

    assert codes(found) == ["R03"]
    assert found[0].place == "columns 5 and 6"
    assert row.ratings == {Target.VALENCE: 7.0}


def test_rows_of_another_length_than_the_header_are_named_by_their_lines(folder):
    path = folder / "trials.csv"
    head = "subject,trial,stimulus,bio,onset_s,valence\n"
    path.write_text(
        head + "1,1,x,a.edf,0,7,surplus\n1,2,x,a.edf,3\n1,3,y,a.edf,6,2,,\n"
    )

    rows, found = look(path)

    assert codes(found)[:2] == ["R20", "R20"]
    assert [f.place for f in found[:2]] == ["line 2", "line 3"]
    assert len(rows) == 3


def test_blank_rows_and_columns_of_a_spreadsheet_are_nothing(folder):
    path = folder / "trials.csv"
    path.write_text("subject,trial,stimulus,bio,valence,\n1,1,x,a.edf,7,\n,,,,,\n\n")

    rows, found = look(path)

    assert (len(rows), found) == (1, [])


def test_an_index_without_a_name_is_a_column_of_no_meaning(folder):
    path = folder / "trials.csv"
    path.write_text(",subject,trial,stimulus,bio,valence\n0,1,1,x,a.edf,7\n")

    (row,), found = look(path)

    assert codes(found) == ["R02"]
    assert row.more == {"column 1": "0"}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]
)
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_tables_of_spreadsheets_give_the_same_rows(folder, encoding, separator):
    lines = [
        ["subject", "trial", "stimulus", "bio", "onset_s", "duration_s", "valence"],
        ["Jörg", "1", "clip", "a.edf", "12,125", "2,5", "4,5"],
        ["Jörg", "2", "clip", "a.edf", "20,250", "2,5", "6"],
    ]
    quote = '"' if separator == "," else ""
    points = [[cell.replace(",", ".") for cell in line] for line in lines]
    text = "\r\n".join(
        separator.join(f"{quote}{cell}{quote}" for cell in line)
        for line in (points if separator == "," else lines)
    )
    path = folder / "trials.csv"
    path.write_bytes(text.encode(encoding))

    rows, found = look(path)

    assert [(r.subject, r.onset_s, r.duration_s) for r in rows] == [
        ("Jörg", 12.125, 2.5),
        ("Jörg", 20.25, 2.5),
    ]
    assert rows[0].ratings == {Target.VALENCE: 4.5}
    is_plain = separator == "," and encoding.startswith("utf-8")
    assert set(codes(found)) == (set() if is_plain else {"F39"})


def test_a_line_that_names_the_separator_is_obeyed(folder):
    path = folder / "trials.csv"
    path.write_text("sep=;\nsubject;trial;stimulus;bio;valence\n1;1;x;a.edf;12\n")

    _, found = look(path)

    assert codes(found) == ["F39", "R10", "R06"]
    assert found[1].place == "line 3"


def test_a_thousand_with_a_comma_is_not_guessed(folder):
    _, found = look(write(folder, {"onset_s": "1,500"}))

    assert codes(found)[0] == "R22"
    assert found[0].sentence.endswith("got '1,500'; write 1.500 or 1500")


def test_one_bad_row_hides_no_other(folder):
    rows, found = look(
        write(folder, {"onset_s": "noon"}, {}, {"duration_s": 0}, {"subject": ""})
    )

    assert codes(found) == ["R22", "R22", "R22"]
    assert [f.place for f in found] == ["line 2", "line 4", "line 5"]
    assert [row.trial for row in rows] == ["2"]


def test_ratings_outside_of_the_scale_are_one_error_that_names_the_scale(folder):
    rows = [{"valence": n / 10, "arousal": 5} for n in range(1, 9)]

    read, found = look(write(folder, *rows))

    assert codes(found) == ["R10"]
    assert found[0].place == "lines 2, 3, 4, 5 and 4 more"
    assert found[0].cure == "write rating_range = [0, 1] in recordings.toml"
    assert read[0].ratings == {Target.AROUSAL: 5.0}
    _, found = look(write(folder, *rows), Declaration(rating_range=(0.0, 1.0)))
    assert codes(found) == ["R10"]
    assert "arousal must be from 0 to 1, got 5" in found[0].sentence


def test_a_rating_that_is_a_word_is_an_error_and_a_missing_one_a_note(folder):
    read, found = look(write(folder, {"valence": "high"}, {"valence": "NA"}, {}))

    assert codes(found) == ["R10", "R06"]
    assert "got 'high'" in found[0].sentence
    assert "2 trials have no rating" in found[1].sentence
    assert len(read) == 3


@pytest.mark.parametrize(
    ("empty", "other"), [("valence", "arousal"), ("arousal", "valence")]
)
def test_a_trial_with_one_rating_of_two_is_named(folder, empty, other):
    rows = [{"valence": 3, "arousal": 7}, {"valence": 3, "arousal": 7, empty: "n/a"}]

    read, found = look(write(folder, *rows))

    (note,) = found
    assert (note.code, note.place) == ("R06", "line 3")
    assert note.sentence == (
        f"{empty} is empty in 1 of 2 rated trials: subject 01 trial 2"
    )
    assert note.assumed.startswith(f"they are left out for {empty}, and used")
    assert list(read[1].ratings) == [other]


def test_a_marker_of_a_file_that_two_people_name_is_found(folder):
    rows = [{"onset_s": "", "marker": "go", "subject": name} for name in ("1", "2")]

    _, found = look(write(folder, *rows))

    assert codes(found) == ["R27"]
    assert "both have a trial that begins at marker 'go' of a.edf" in found[0].sentence


def test_rows_of_the_same_seconds_are_found(folder):
    """As where the column that says when trials begin has a name that none knows."""
    rows = [{"onset_s": ""}, {"onset_s": 0}, {"onset_s": 0, "subject": "02"}]

    _, found = look(write(folder, *rows))

    assert codes(found) == ["T51", "R27"]
    assert "both begin at 0 s of a.edf" in found[0].sentence


def test_a_trial_that_stands_twice_keeps_its_first_row(folder):
    rows, found = look(write(folder, {"trial": 1}, {"trial": 1}))

    assert codes(found) == ["R23"]
    assert [row.onset_s for row in rows] == [3.0]


def test_one_person_in_two_spellings_is_a_warning(folder):
    _, found = look(write(folder, {"subject": "S01"}, {"subject": "s1"}, {}))

    assert codes(found) == ["R24"]
    assert "subjects S01, s1 differ" in found[0].sentence


@pytest.mark.parametrize(
    ("cell", "cure"),
    [
        ("A.EDF", "the nearest is a.edf"),
        ("a.efd", "the nearest is a.edf"),
        ("x" * 5000, ""),
    ],
)
def test_a_file_that_is_absent_leaves_a_bounded_sentence(folder, cell, cure):
    _, found = look(write(folder, {"bio": cell}, {}))

    assert codes(found) == ["R25"]
    assert len(str(found[0])) < 600
    assert cure in found[0].cure


def test_a_path_of_windows_is_named_as_it_must_be_written(folder):
    (folder / "signals").mkdir()
    (folder / "signals" / "c.edf").touch()

    _, found = look(write(folder, {"bio": r"signals\c.edf"}, {}))

    assert found[0].cure == "write signals/c.edf"


def test_a_video_that_is_absent_leaves_the_signals(folder):
    (row,), found = look(write(folder, {"video": "c.mp4"}))

    assert codes(found) == ["R25"]
    assert row.video is None
    assert row.bio is not None


@pytest.mark.parametrize(
    ("cell", "choice"),
    [
        ("left", "left"),
        ("Largest", "largest"),
        ("", ""),
        ("120, 40, 200,200", "120,40,200,200"),
        ("0.1;0.2;0.3;0.4", "0.1,0.2,0.3,0.4"),
        ("[10 20 30 40]", "10,20,30,40"),
    ],
)
def test_a_face_is_chosen_by_a_word_or_a_box(folder, cell, choice):
    (row,), found = look(write(folder, {"video": "a.mp4", "face_choice": cell}))

    assert (row.face_choice, found) == (choice, [])


@pytest.mark.parametrize(
    "cell", ["middle", "1,2,3", "1,2,0,4", "-1,2,3,4", "1,2,3,nan"]
)
def test_a_choice_that_is_none_is_an_error(folder, cell):
    _, found = look(write(folder, {"video": "a.mp4", "face_choice": cell}, {}))

    assert codes(found) == ["R22"]
    assert "face_choice must be left, right, largest or a box" in found[0].sentence


def test_cells_on_a_file_that_is_not_named_are_not_used_in_silence(folder):
    cells = {"face_choice": "left", "video_offset_s": 2, "peripheral_offset_s": 1}

    _, found = look(write(folder, cells))

    assert codes(found) == ["R02"] * 3


def test_two_offsets_of_one_file_are_an_error(folder):
    rows = [{"peripheral": "b.edf", "peripheral_offset_s": n} for n in (1, 2)]

    _, found = look(write(folder, *rows))

    assert codes(found) == ["R22"]
    assert "peripheral_offset_s is 2 s, line 2 has 1 s" in found[0].sentence


def test_an_export_of_psychopy_is_told_column_by_column_what_to_write(folder):
    path = folder / "trials.csv"
    path.write_text(
        "participant,trials.thisN,trials.thisIndex,stim_file,movie.started,"
        "slider_valence.response,slider_arousal.response,date,expName,psychopyVersion,\n"
        "p1,0,3,a.mp4,12.5,7,3,2024,film,2023.1,\n"
    )

    rows, found = look(path)

    near = {f.place: f.sentence.split()[-1] for f in found if f.code == "R01"}
    assert near == {
        "column participant": "subject",
        "column trials.thisN": "trial",
        "column trials.thisIndex": "trial",
        "column stim_file": "stimulus",
        "column movie.started": "onset_s",
        "column slider_valence.response": "valence",
        "column slider_arousal.response": "arousal",
    }
    assert rows == []


def test_a_table_for_predict_needs_no_ratings_and_no_files(folder):
    path = folder / "trials.csv"
    path.write_text("subject,trial,stimulus,onset_s,duration_s\n1,1,x,0,3\n1,2,y,4,3\n")

    rows, found = look(path, for_training=False)

    assert [row.onset_s for row in rows] == [0.0, 4.0]
    assert found == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("EEG = []", "did you mean 'eeg'?"),
        ("rating_scale = [1, 5]", "did you mean 'rating_range'?"),
        ("line_freq = 50", "did you mean 'line_hz'?"),
        ('time = "t"', "write 'time' under [tables]"),
        ('[tables]\ntime = "t"\nrating_range = [1, 5]', "above the first [section]"),
        ('[units]\n"GSR" = "uS"\nline_hz = "V"', "above the first [section]"),
        ("[Units]\nGSR = 'uS'", "did you mean 'units'?"),
    ],
)
def test_a_key_that_is_not_known_is_an_error_that_says_where_it_belongs(
    tmp_path, text, sentence
):
    (tmp_path / "recordings.toml").write_text(text)

    with collect() as found:
        attempt(lambda: read_declared(tmp_path))

    assert found[0].code == "R15"
    assert sentence in found[0].sentence


@pytest.mark.parametrize(
    "name", ["recording.toml", "Recordings.toml", "recordings.toml.txt"]
)
def test_a_declaration_of_another_name_is_not_passed_over(tmp_path, name):
    (tmp_path / name).write_text("line_hz = 50")
    (tmp_path / "pyproject.toml").touch()

    with collect() as found:
        declared = read_declared(tmp_path)

    assert codes(found) == ["F38"]
    assert found[0].source.endswith(name)
    assert declared.line_hz is None


def test_severities_are_those_of_the_issue():
    wanted = {"R01": "error", "R02": "note", "R03": "error", "R06": "note"}
    wanted |= dict.fromkeys(
        ("R04", "R05", "R07", "R08", "R09", "R24", "T50"), "warning"
    )

    assert {code: CODES[code].severity for code in wanted} == wanted
