"""Tests of `check recordings` and `check bids`."""

import numpy as np
import pytest
from scipy.stats import iqr

from deepvanet.cli import main
from deepvanet.datasets import check
from deepvanet.findings import Severity
from deepvanet.schema import UserError
from films import number_pictures, write_video
from finding_texts import write_own
from small_recordings import (
    LABELS,
    UNITS,
    sample_bio,
    write_edf,
    write_trials,
    write_xdf,
)


def look(root, **options):
    return check("recordings", root, **options)


def texts(inspection, severity=None):
    """Return findings, but for few trials and for videos of numbers without a face."""
    return [
        write_own(f)
        for f in inspection.findings
        if severity in (None, f.severity) and f.code not in ("R07", "V05")
    ]


def rows(inspection, title="Trials"):
    (table,) = (t for t in inspection.tables if t.title == title)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def trial(number, subject="a", **cells):
    row = {"subject": subject, "trial": number, "stimulus": "clip"}
    return row | {"valence": 7, "arousal": 3} | cells


def write_film(path, seconds, fps=20):
    return write_video(path, number_pictures(range(round(seconds * fps))), fps=fps)


def test_each_row_says_what_was_found(tmp_path):
    bio = sample_bio(10)
    write_edf(tmp_path / "a.edf", bio)
    write_film(tmp_path / "a.mp4", 10)
    root = write_trials(
        tmp_path / "trials.csv",
        [
            trial(1, bio="a.edf", video="a.mp4", onset_s=2, duration_s=3),
            trial(2, bio="a.edf", onset_s=6, duration_s=3, arousal=""),
            trial(1, "b", video="a.mp4", duration_s=4),
        ],
    )

    inspection = look(root)

    first, second, third = rows(inspection)
    assert first == {
        "subject": "a",
        "trial": "1",
        "stimulus": "clip",
        "signals s": "10.0",
        "Hz": "256",
        "EEG": 6,
        "periph.": 2,
        "video s": "10.0",
        "drift s": "+0.00",
        "used s": "3.0",
        "valence": "7",
        "arousal": "3",
    }
    assert (second["video s"], second["arousal"]) == ("-", "-")
    assert (third["signals s"], third["EEG"], third["used s"]) == ("-", 0, "4.0")
    assert [tuple(row.values()) for row in rows(inspection, "Coverage")] == [
        *[("face", 2, 1), ("eeg", 2, 1), ("peripheral", 2, 1)]
    ]
    shown = rows(inspection, "Channels")[-1]
    assert float(shown.pop("median")) == pytest.approx(np.median(bio[7]), rel=0.01)
    assert float(shown.pop("IQR")) == pytest.approx(iqr(bio[7]), rel=0.1)
    assert shown == {
        "channel": "GSR",
        "measures": "gsr",
        "by": "label",
        "unit": "uS",
        "stream": "peripheral",
        "recordings": 1,
        "plausible": "0.01 to 200",
    }
    (video,) = rows(inspection, "Videos")[:1]
    assert (video["fps measured"], video["end s"], video["face in %"]) == (
        *("20", "10.00", "0"),
    )
    (signals,) = rows(inspection, "Signals")
    assert (signals["file"], signals["Hz stated"]) == ("a.edf", "256")
    assert (signals["end s"], signals["on video s"]) == ("10.00", "10.00")
    half, silent = texts(inspection)
    assert "arousal is empty in 1 of 3 rated trials: subject a trial 2" in half
    assert silent == "1 trial has no video: subject a trial 2"


def write_group(folder, *, declared="", odd=7):
    """Write a table of people of two groups, of whom one has an odd trial."""
    for subject in "abcd":
        write_edf(folder / f"{subject}.edf", sample_bio(10))
    (folder / "recordings.toml").write_text(declared)
    rows = [
        trial(
            number,
            subject,
            bio=f"{subject}.edf",
            onset_s=2 * number,
            duration_s=2,
            valence=odd if (subject, number) == ("d", 2) else rating,
            arousal=2 + 3 * number,
        )
        for subject, rating in (("a", 3), ("b", 7), ("c", 3), ("d", 7))
        for number in (1, 2)
    ]
    return write_trials(folder / "trials.csv", rows)


@pytest.mark.parametrize(("n_trials", "n_printed"), [(30, 30), (31, 2)])
def test_beyond_thirty_trials_a_row_is_a_subject(tmp_path, n_trials, n_printed, capsys):
    write_edf(tmp_path / "a.edf", sample_bio(40))
    own = [
        trial(number, "b" if number > 20 else "a")
        | {"bio": "a.edf", "onset_s": number, "duration_s": 1, "valence": number % 9}
        for number in range(1, 1 + n_trials)
    ]
    root = write_trials(tmp_path / "trials.csv", own)

    (trials,) = (t for t in look(root).tables if t.title == "Trials")

    assert len(trials.rows) == len(trials.to_json()["rows"]) == n_trials
    assert len(trials.folded or trials.rows) == n_printed
    if trials.folded:
        assert [row[0] for row in trials.folded] == ["a: 20", f"b: {n_trials - 20}"]
        assert [row[1] for row in trials.folded] == ["1 to 20", f"21 to {n_trials}"]
        assert {row[-2] for row in trials.folded} == {"1 to 8"}
    main(["check", "recordings", str(root)])
    assert ("a: 20" in capsys.readouterr().out) == bool(trials.folded)


def test_a_rating_that_belongs_to_a_person_is_found(tmp_path):
    (tmp_path / "odd").mkdir()

    personal = texts(look(write_group(tmp_path)), Severity.WARNING)
    odd = texts(look(write_group(tmp_path / "odd", odd=4)), Severity.WARNING)

    (finding,) = personal
    assert finding.endswith(
        "valence: each of 4 subjects has one label over all its trials (by >=5): a "
        "model could learn who a person is, not what the person felt"
    )
    assert odd == []


def test_the_declared_rule_says_what_is_one_label(tmp_path):
    """By <4,>6 the odd trial has no label, so that each person has one."""
    for name, rule in (("known", "<4,>6"), ("unknown", "high")):
        (tmp_path / name).mkdir()
        root = write_group(
            tmp_path / name, declared=f'label_rule = "{rule}"\n', odd=4.5
        )
        found = texts(look(root), Severity.WARNING)

        if name == "known":
            assert "valence: each of 4 subjects has one label" in found[0]
            assert "(by <4,>6)" in found[0]
        else:
            (finding,) = found
            assert finding.startswith("recordings.toml: unknown label rule 'high'.")


def test_a_video_that_ends_apart_from_the_signals_has_drifted(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(20))
    write_film(tmp_path / "a.mp4", 19.5)
    cells = {"onset_s": 2, "duration_s": 3}
    root = write_trials(
        tmp_path / "trials.csv", [trial(1, bio="a.edf", video="a.mp4", **cells)]
    )

    (finding,) = texts(look(root), Severity.WARNING)

    assert "the video of 19.5 s is 0.50 s shorter than the same time" in finding


def test_a_clip_of_one_trial_of_many_has_no_end_to_compare(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(20))
    write_film(tmp_path / "a.mp4", 3)
    cells = {"onset_s": 2, "duration_s": 3, "video_offset_s": 2}
    root = write_trials(
        tmp_path / "trials.csv", [trial(1, bio="a.edf", video="a.mp4", **cells)]
    )

    inspection = look(root)

    assert rows(inspection)[0]["drift s"] == "-"
    assert texts(inspection) == []


def test_stamps_of_frames_tell_drift_though_the_video_ends_sooner(tmp_path):
    """The stamps of 60 frames span 3 s; the file says 2.5 s, at 24 a second."""
    times = np.arange(1280) / 128
    cap = {"name": "Cap", "type": "EEG", "times": times, "rate": 128}
    film = {"name": "Webcam", "type": "frames", "times": 1 + np.arange(60) / 20}
    write_xdf(
        tmp_path / "a.xdf",
        [
            {
                **cap,
                "values": sample_bio(10, sfreq=128, labels=["Cz"]).T,
                "labels": ["Cz"],
            },
            {**film, "values": np.arange(60.0)[:, None]},
        ],
    )
    (tmp_path / "recordings.toml").write_text('[xdf]\nvideo = "Webcam"\n')
    write_film(tmp_path / "a.mp4", 2.5, fps=24)
    cells = {"onset_s": 1, "duration_s": 2}
    root = write_trials(
        tmp_path / "trials.csv", [trial(1, bio="a.xdf", video="a.mp4", **cells)]
    )

    assert rows(look(root))[0]["drift s"] == f"{59 / 24 - 59 / 20:+.2f}"


def test_a_video_that_shows_less_than_the_trial_is_named(tmp_path):
    write_film(tmp_path / "a.mp4", 2)
    root = write_trials(
        tmp_path / "trials.csv", [trial(1, video="a.mp4", duration_s=4)]
    )

    (wrong,) = texts(look(root), Severity.WARNING)
    where = f"{tmp_path / 'a.mp4'} subject a trial 1"
    assert wrong == f"{where}: the video shows 2.0 s of the 4.0 s of the trial"


def test_what_is_left_out_or_odd_is_said_with_its_place(tmp_path):
    bio = sample_bio(6)
    bio[7] = 0
    labels = [*LABELS[:7], "GSR", "Trash"]
    write_edf(
        tmp_path / "a.edf",
        [*bio, bio[0]],
        labels=labels,
        units=[*UNITS, "uV"],
    )
    (tmp_path / "recordings.toml").write_text(
        'rating_range = [0, 10]\nlabel_rule = ">5"\n'
    )
    root = write_trials(
        tmp_path / "trials.csv",
        [trial(1, bio="a.edf"), trial(2, bio="a.edf", onset_s=9)],
    )

    inspection = look(root)

    assert not inspection.errors
    left_out = (
        "subject a trial 2 is left out: less than 1 s of it lie in 6 s of signals"
    )
    assert texts(inspection, Severity.WARNING) == [
        f"{root} line 3: {left_out}; assumed: the trial is left out",
        f"{tmp_path / 'a.edf'} GSR: GSR is 0 uS throughout",
    ]
    notes = texts(inspection, Severity.NOTE)
    assert any("a.edf: 1 channel is not used: Trash (neither" in note for note in notes)
    said = "ratings from 0 to 10 are mapped to 1 to 9, linearly"
    assert f"recordings.toml rating_range: {said}" in notes
    assert notes[-1].startswith("recordings.toml states the label rule >5; ")


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path, capsys):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    (tmp_path / "b.edf").write_text("nothing")
    (tmp_path / "b.mp4").write_text("nothing")
    root = write_trials(
        tmp_path / "trials.csv",
        [
            trial(1, bio="a.edf", video="b.mp4"),
            trial(1, "b", bio="b.edf"),
            trial(1, "c", bio="a.edf", onset_s=9),
        ],
    )

    assert main(["check", "recordings", str(root)]) == 2

    said = capsys.readouterr()
    assert "prepare would refuse: " in said.err
    refused = sorted(texts(look(root), Severity.ERROR))
    assert len(refused) == 3
    assert "b.edf: cannot be read" in refused[0]
    assert "b.mp4" in refused[1]
    assert "no trial of subject c can be used" in refused[2]
    assert rows(look(root))[0]["EEG"] == 6


def test_subjects_are_left_out_and_a_table_without_ratings_is_refused(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    both = [trial(1, bio="a.edf"), trial(1, "b", bio="a.edf")]
    root = write_trials(tmp_path / "trials.csv", both)
    bare = [trial(1, bio="a.edf", valence="", arousal="")]
    silent = write_trials(tmp_path / "silent.csv", bare)

    assert [row["subject"] for row in rows(look(root, exclude=["a"]))] == ["b"]
    with pytest.raises(UserError, match=r"silent\.csv: no trial has a rating"):
        look(silent)
