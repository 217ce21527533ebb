"""The whole way of a user's own recordings, as each of their formats brings them."""

import mne
import mne_bids
import pandas as pd
import pytest

from deepvanet.cli import main
from small_recordings import write_trials, write_xdf

N_SUBJECTS, N_TRIALS, SECONDS = 2, 6, 2
EDF_TYPES = {"hEOG": "eog", "vEOG": "eog", "zEMG": "emg", "tEMG": "emg"}
KINDS = {
    "GSR": "gsr",
    "Respiration": "resp",
    "Plethysmograph": "misc",
    "Temperature": "temperature",
}


def run(*parts):
    assert main([str(part) for part in parts]) == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """BDF, MP4 and their table, of two people."""
    root = tmp_path_factory.mktemp("made") / "mine"
    small = ("--trials", N_TRIALS, "--seconds", SECONDS, "--jobs", 2)
    run("synth", "recordings", root, "--subjects", N_SUBJECTS, *small)
    return root


def read_table(made):
    table = pd.read_csv(made / "trials.csv", dtype={"subject": str})
    for column in ("video", "bio"):
        table[column] = [str(made / name) for name in table[column]]
    return table


def read_bdf(made, subject):
    path = made / f"s{subject}.bdf"
    return mne.io.read_raw_bdf(path, exclude=["Status"], verbose="ERROR")


def bring_mixed(made, folder):
    """Some trials without a film, some without signals."""
    rows = read_table(made).astype(object).to_dict("records")
    for row in rows:
        if row["trial"] == 2:
            row["video"] = row["video_offset_s"] = ""
        if row["subject"] == "02" and row["trial"] == 5:
            # seconds of the film, which there is nothing else to count by
            row["bio"], row["onset_s"] = "", row["onset_s"] - 1
            row["video_offset_s"] = ""
    bio = made / "s01.bdf"
    return "recordings", write_trials(folder / "trials.csv", rows), bio


def bring_xdf(made, folder):
    """The signals as a lab streaming layer records them, a film placed by stamps."""
    table = read_table(made)
    for subject in table["subject"].unique():
        raw = read_bdf(made, subject)
        times = 900 + raw.times
        frames = 901 + pd.RangeIndex(round(raw.times[-1] - 1) * 25) / 25
        values = raw.get_data() * 1e6
        is_eeg = [name not in (*EDF_TYPES, *KINDS) for name in raw.ch_names]
        eeg = [
            name for name, is_one in zip(raw.ch_names, is_eeg, strict=True) if is_one
        ]
        common = {"rate": 128, "times": times}
        write_xdf(
            folder / f"{subject}.xdf",
            [
                {
                    **common,
                    "name": "Cap",
                    "type": "EEG",
                    "values": values[is_eeg].T,
                    "labels": eeg,
                    "units": ["uV"] * len(eeg),
                },
                {
                    **common,
                    "name": "Skin",
                    "type": "EDA",
                    "values": raw.get_data(picks=["GSR"]).T,
                    "labels": ["GSR"],
                    "units": ["Ohm"],
                },
                {
                    "name": "Webcam",
                    "type": "frames",
                    "rate": 25,
                    "times": frames.to_numpy(),
                    "values": frames.to_numpy()[:, None],
                },
            ],
        )
    (folder / "recordings.toml").write_text('[xdf]\nvideo = "Webcam"\n')
    table["bio"] = table["subject"] + ".xdf"
    rows = table.drop(columns="video_offset_s").to_dict("records")
    return "recordings", write_trials(folder / "trials.csv", rows), folder / "01.xdf"


def bring_bids(made, folder):
    """The signals with ratings in events, which knows no film."""
    root = folder / "data"
    table = read_table(made)
    for subject, rows in table.groupby("subject"):
        raw = read_bdf(made, subject)
        kinds = EDF_TYPES | {"GSR": "gsr", "Respiration": "resp"}
        raw.set_channel_types(kinds, on_unit_change="ignore", verbose="ERROR")
        raw.drop_channels(["Plethysmograph", "Temperature"])
        path = mne_bids.BIDSPath(
            subject=subject, task="film", datatype="eeg", root=root
        )
        mne_bids.write_raw_bids(raw, path, overwrite=True, verbose="ERROR")
        events = rows[["onset_s", "duration_s", "stimulus", "valence", "arousal"]]
        events = events.rename(columns={"onset_s": "onset", "duration_s": "duration"})
        place = path.copy().update(suffix="events", extension=".tsv").fpath
        events.to_csv(place, sep="\t", index=False)
    (bio,) = root.glob("sub-01/eeg/*.bdf")
    return "bids", root, bio


@pytest.mark.slow
@pytest.mark.parametrize("bring", [bring_mixed, bring_xdf, bring_bids])
def test_from_own_recordings_to_a_timeline(made, tmp_path, capsys, bring):
    layout, source, bio = bring(made, tmp_path)
    store, model, out = (tmp_path / name for name in ("store", "model", "t.csv"))
    has_film = layout == "recordings"

    run("check", layout, source)
    run("prepare", layout, source, "--out", store)
    run(
        *("evaluate", store, "--out", tmp_path / "run", "--protocol", "paper,trial"),
        *("--streams", "eeg,bio", "--target", "arousal", "--folds", 3),
        *("--epochs", 2, "--batch-size", 8, "--jobs", 1),
    )
    run("report", tmp_path / "run", "--out", tmp_path / "report")
    streams = "bio,face+bio" if has_film else "bio"
    run(
        *("train", store, "--out", model, "--streams", streams, "--epochs", 2),
        *("--target", "arousal", "--no-cross-validate"),
    )
    film = ("--video", made / "s01.mp4", "--video-offset", 1) if has_film else ()
    run("predict", model, "--bio", bio, *film, "--out", out)

    said = capsys.readouterr().out
    trials = N_SUBJECTS * N_TRIALS
    assert f"{trials} trials, {trials * SECONDS} seconds" in said
    n_eeg = (trials - (bring is bring_mixed)) * SECONDS
    assert f"eeg in {n_eeg} of them" in said
    scores = pd.read_csv(tmp_path / "report" / "scores.csv")
    network = scores[scores["learner"] == "network"]
    assert network.groupby("protocol")["leaks"].first().to_dict() == {
        "paper": "trial",
        "trial": "none",
    }
    timeline = pd.read_csv(out)
    assert len(timeline) == N_TRIALS * (3 + SECONDS)
    assert timeline["arousal"].notna().all()
    assert timeline["streams"].iloc[-1] == ("face+bio" if has_film else "bio")
