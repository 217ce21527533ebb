"""Tests that event logs and ratings are joined as a person would, or asked about."""

import csv
import random

import pandas as pd
import pytest

from deepvanet.cli import main
from deepvanet.datasets.recordings.input_files import read_input
from deepvanet.schema import UserError
from small_recordings import LABELS, sample_bio, write_edf

N_TRIALS = 6
ORDER = (4, 1, 6, 3, 2, 5)
"""In which clips were shown."""


def write(path, rows, *, separator=",", encoding="utf-8"):
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, columns, restval="", delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def list_psychopy(**more):
    """Return rows as PsychoPy 2024 writes them: an instruction, then one a trial."""
    usual = {
        "participant": "01",
        "session": "001",
        "date": "2026-01-01_10h00.00.000",
        "expName": "films",
        "psychopyVersion": "2024.2.4",
        "expStart": "2026-01-01 10h00.01.123456 +0100",
    }
    rows = [
        {
            "movieFile": "",
            "trials.thisRepN": "",
            "trials.thisTrialN": "",
            "trials.thisN": "",
            "trials.thisIndex": "",
            "welcome.started": "0.8",
            "key_resp.keys": "space",
            "key_resp.started": "0.8",
        }
    ]
    for number, clip in enumerate(ORDER):
        start = 5 + 8.5 * number
        rows.append(
            {
                "movieFile": f"clips/Clip_{clip}.mp4",
                "trials.thisRepN": 0,
                "trials.thisTrialN": number,
                "trials.thisN": number,
                "trials.thisIndex": clip - 1,
                "fixation.started": start - 3,
                "fixation.stopped": start,
                "trial.started": start - 0.01,
                "trial.stopped": start + 4,
                "movie.started": f"{start:.4f}",
                "movie.stopped": f"{start + 4:.4f}",
                "slider.started": start + 5,
                "slider.response": "",
            }
        )
    return [{**row, **usual, **more} for row in rows]


def list_ratings(**more):
    """Return ratings in the order of the clips, not of the trials."""
    return [
        {
            "participant": "01",
            "clip": f"clip_{clip}",
            "SAM_valence": clip % 5 + 1,
            "SAM_arousal": clip * 2 % 5 + 1,
            "dominance": 3,
            "remark": "none",
            **more,
        }
        for clip in range(1, N_TRIALS + 1)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "log.csv", list_psychopy(), encoding="utf-8-sig")
    write(tmp_path / "sam.csv", list_ratings())
    return tmp_path


def join(*options, ratings="sam.csv", log="log.csv", status=0):
    beside = ("--ratings", ratings) if ratings else ()
    given = ("trials", log, *beside, "--out", "trials.csv", *options)
    assert main([str(part) for part in given]) == status


def read():
    return pd.read_csv("trials.csv", dtype=str, keep_default_na=False)


USUAL = ("--offset", "4.2", "--scale", "1,5")


def test_a_log_of_psychopy_and_ratings_become_a_table_of_trials(folder, capsys):
    join(*USUAL)

    made = read()
    assert made["trial"].tolist() == [f"001-{n}" for n in range(1, 7)]
    assert made["stimulus"].tolist() == [f"clips/Clip_{n}.mp4" for n in ORDER]
    assert made["onset_s"].tolist() == [f"{9.2 + 8.5 * n:.10g}" for n in range(6)]
    assert set(made["duration_s"]) == {"4"}
    assert made["valence"].tolist() == [str(n % 5 + 1) for n in ORDER]
    assert made["arousal"].tolist() == [str(n * 2 % 5 + 1) for n in ORDER]
    assert set(made["dominance"]) == {"3"}
    assert (folder / "recordings.toml").read_text() == "rating_range = [1, 5]\n"
    said = capsys.readouterr().out
    assert "log.csv, a log of PsychoPy: 7 rows, 6 trials of subject 01" in said
    assert "no trials: 1 row, line 2" in said
    assert "onset: movie.started, in s" in said
    assert "duration: movie.stopped less movie.started, from 4 to 4 s" in said
    assert "matched by stimulus: clip, without folder and ending of names" in said
    assert "valence: SAM_valence, 1 to 5" in said
    assert "kept beside them: dominance" in said
    assert "not used of sam.csv: remark" in said
    assert "fixation.started" in said


def test_the_table_is_one_that_prepare_takes(folder, capsys):
    bio = sample_bio(60)
    write_edf(folder / "s01.edf", bio, labels=LABELS)
    join(*USUAL, "--bio", "s01.edf")

    assert main(["check", "recordings", "trials.csv"]) == 0
    assert main(["prepare", "recordings", "trials.csv", "--out", "store"]) == 0

    assert "6 trials, 24 seconds" in capsys.readouterr().out


def test_trials_go_by_number_where_ratings_have_no_stimulus(folder, capsys):
    rows = [
        {"trials.thisN": n, "valence": clip, "arousal": 9 - clip}
        for n, clip in enumerate(ORDER)
    ]
    random.Random(0).shuffle(rows)
    write(folder / "sam.csv", rows)

    join("--offset", "0", "--scale", "1,9")

    assert read()["valence"].tolist() == [str(clip) for clip in ORDER]
    assert "by trial: trials.thisN, from 0" in capsys.readouterr().out


def test_ratings_may_stand_in_the_log_itself(folder):
    rows = list_psychopy()
    for number, row in enumerate(rows):
        row["slider_valence.response"] = number + 2 if number else ""
        row["slider_valence.rt"] = 1.5 if number else ""
    write(folder / "log.csv", rows)

    join("--offset", "0", ratings=None)

    assert read()["valence"].tolist() == ["3", "4", "5", "6", "7", "8"]


def test_events_of_bids_need_no_offset(folder):
    rows = []
    for number, clip in enumerate(ORDER):
        start = 5 + 8.5 * number
        fixation = {"onset": start - 3, "duration": 3, "trial_type": "fixation"}
        shown = {"onset": start, "duration": 4, "trial_type": "film"}
        rows += [{**fixation, "stim_file": "n/a"}]
        rows += [{**shown, "stim_file": f"clip_{clip}.mp4"}]
    write(folder / "sub-01_ses-2_task-films_events.tsv", rows, separator="\t")

    join("--scale", "1,5", log="sub-01_ses-2_task-films_events.tsv")

    made = read()
    assert made["onset_s"].tolist() == [f"{5 + 8.5 * n:.10g}" for n in range(6)]
    assert set(made["subject"]) == {"01"}
    assert set(made["session"]) == {"2"}
    assert made["valence"].tolist() == [str(n % 5 + 1) for n in ORDER]


def test_a_table_in_milliseconds_says_so_in_its_names(folder):
    rows = [
        {"subj": "01", "start_ms": 1000 * n, "duration_ms": 900, "clip": f"clip_{k}"}
        for n, k in enumerate(ORDER)
    ]
    write(folder / "log.csv", rows)

    join(*USUAL)

    assert read()["onset_s"].tolist()[:2] == ["4.2", "5.2"]
    assert set(read()["duration_s"]) == {"0.9"}


def test_subjects_are_added_one_after_another(folder, capsys):
    join(*USUAL)
    write(folder / "two.csv", list_psychopy(participant="02"))
    write(folder / "sam.csv", [*list_ratings(), *list_ratings(participant="02")])

    capsys.readouterr()
    join("--offset", "7", "--append", log="two.csv")

    said = capsys.readouterr().out
    assert "12 trials of 2 subjects, 6 of them new" in said
    made = read()
    assert made["subject"].tolist() == ["01"] * 6 + ["02"] * 6
    assert made["onset_s"].tolist()[6] == "12"
    join("--offset", "7", "--append", log="two.csv", status=2)


def test_files_of_several_subjects_are_named_by_a_pattern(folder):
    write(folder / "two.csv", list_psychopy(participant="02"))
    write(folder / "sam.csv", [*list_ratings(), *list_ratings(participant="02")])
    (folder / "eeg").mkdir()
    for name in ("01", "02"):
        (folder / "eeg" / f"{name}.edf").touch()
    given = ("--bio", "eeg/{subject}.edf", "--input", "peripheral=eeg/02.edf@-1.5")

    join("two.csv", *USUAL, *given)

    made = read()
    assert made["bio"].tolist() == ["eeg/01.edf"] * 6 + ["eeg/02.edf"] * 6
    assert set(made["peripheral_offset_s"]) == {"-1.5"}


@pytest.mark.usefixtures("folder")
def test_a_marker_stands_in_place_of_an_onset():
    join("--scale", "1,5", "--marker", "film on")

    assert set(read()["marker"]) == {"film on"}
    assert "onset_s" not in read().columns


REFUSED = {
    "clock": ((), r"its clock lies on that of the signals: say --offset"),
    "scale": (("--offset", "0"), "ratings go from 1 to 5, on a scale that nothing"),
    "two clocks": ((*USUAL, "--marker", "on"), "--marker: cannot be given beside"),
    "no column": ((*USUAL, "--onset", "movie.start"), "nearest is movie.started"),
    "one clock": (
        (*USUAL, "--onset=frame", "--where=movieFile", "--duration=4"),
        "does not rise from line 3",
    ),
    "no condition": ((*USUAL, "--where", "clip=1"), "has no column 'clip'"),
    "no row": ((*USUAL, "--where", "movieFile=x"), "movieFile holds clips/Clip_4"),
    "beyond": (("--offset", "0", "--scale", "1,4"), "beyond the scale from 1 to 4"),
    "no numbers": ((*USUAL, "--match", "trial"), "no column of trial numbers"),
    "no way": ((*USUAL, "--match", "luck"), "must be one of row, stimulus, trial"),
    "no file": ((*USUAL, "--bio", "x.edf"), "bio: x.edf is not there"),
    "no kind": ((*USUAL, "--input", "eeg=x"), "with a column such as video, bio"),
    "scale in words": (("--scale", "five"), "--scale: needs two numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_guessed_is_asked(case, folder, capsys):
    options, sentence = REFUSED[case]
    write(folder / "log.csv", list_psychopy(frame=7))

    join(*options, status=2)

    assert sentence in capsys.readouterr().err
    assert not (folder / "trials.csv").exists()


def change_loops(rows):
    for row in rows[1:3]:
        row["practice.thisN"], row["trials.thisN"] = row["trials.thisN"], ""
    return rows


def change_films(rows):
    for number, row in enumerate(rows):
        row["video"] = f"v{number // 2}"
    return rows


def change_started(rows):
    return [{k.replace("movie.", "show."): v for k, v in row.items()} for row in rows]


def change_stopped(rows):
    return [{**row, "movie.stopped": ""} for row in rows]


ODD = {
    "two loops": (change_loops, "rows of no loop"),
    "two stimuli": (change_films, "what was shown may stand in movieFile, video"),
    "two starts": (change_started, "when a stimulus started may stand in"),
    "no end": (change_stopped, "how long a stimulus lasted stands in no known column"),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_log_is_asked_about(case, folder, capsys):
    change, sentence = ODD[case]
    rows = list_psychopy()
    if case == "two loops":
        sentence = "rows of practice.thisN (2), trials.thisN (4) may be trials"
    write(folder / "log.csv", change(rows))

    join(*USUAL, status=2)

    assert sentence in capsys.readouterr().err


def test_two_ways_that_disagree_are_asked_about(folder, capsys):
    rows = [{**row, "trial": n} for n, row in enumerate(list_ratings(), 1)]
    write(folder / "sam.csv", rows)

    join(*USUAL, status=2)
    assert "stimulus and trial give other ratings to 6 trials" in (
        capsys.readouterr().err
    )

    join(*USUAL, "--match", "stimulus")
    assert read()["valence"].tolist() == [str(n % 5 + 1) for n in ORDER]


BAD_RATINGS = {
    "no way": (
        lambda row: {"valence": row["SAM_valence"]},
        "say --match order if its rows are in the order of the trials",
    ),
    "other subject": (
        lambda row: {**row, "participant": "1"},
        "does not name subject '01' of log.csv, it names '1'",
    ),
    "other names": (
        lambda row: {**row, "clip": f"joy {row['clip']}"},
        "clip names no stimulus of log.csv",
    ),
    "no rating": (lambda row: {"clip": row["clip"]}, "no column is known as a rating"),
    "two columns": (
        lambda row: {**row, "self_valence": 3},
        "valence may stand in SAM_valence, self_valence: say --valence COLUMN",
    ),
}


@pytest.mark.parametrize("case", BAD_RATINGS)
def test_odd_ratings_are_asked_about(case, folder, capsys):
    change, sentence = BAD_RATINGS[case]
    write(folder / "sam.csv", [change(row) for row in list_ratings()])

    join(*USUAL, status=2)

    assert sentence in capsys.readouterr().err


def test_rows_in_order_need_one_for_each_trial(folder, capsys):
    rows = [{"valence": row["SAM_valence"]} for row in list_ratings()]
    write(folder / "sam.csv", rows)
    join(*USUAL, "--match", "order")
    assert read()["valence"].tolist() == [str(row["valence"]) for row in rows]

    write(folder / "sam.csv", rows[1:])
    join(*USUAL, "--match", "order", status=2)
    assert "has 5 rated rows of subject 01, log.csv has 6 trials" in (
        capsys.readouterr().err
    )


def test_events_of_bids_with_types_only_are_asked_about(folder, capsys):
    rows = []
    for number, clip in enumerate(ORDER):
        rows += [{"onset": 9 * number, "duration": 3, "trial_type": "fixation"}]
        rows += [{"onset": 9 * number + 3, "duration": 4, "trial_type": f"clip_{clip}"}]
    log = "sub-01_events.tsv"
    write(folder / log, rows, separator="\t")

    join("--scale", "1,5", log=log, status=2)
    assert "say which, as --where 'trial_type!=fixation'" in capsys.readouterr().err

    join("--scale", "1,5", "--where", "trial_type!=fixation", log=log)
    assert read()["valence"].tolist() == [str(n % 5 + 1) for n in ORDER]


def test_a_trial_without_a_rating_is_named(folder, capsys):
    write(folder / "sam.csv", list_ratings()[:-1])

    join(*USUAL)

    assert "1 trial has no rating: clips/Clip_6.mp4 (line 5)" in capsys.readouterr().out
    assert read()["valence"].tolist()[2] == ""


def test_an_input_is_a_column_and_a_file_and_may_have_an_offset():
    assert read_input("video=a@home.mp4").name == "a@home.mp4"
    assert read_input("video=a@home.mp4@2").offset_s == 2

    with pytest.raises(UserError, match="bio has the clock"):
        read_input("bio=a.edf@2")
    with pytest.raises(UserError, match="names no file"):
        read_input("bio=")
