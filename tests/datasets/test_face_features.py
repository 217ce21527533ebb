"""Tests of numbers of frames that other programs made of faces."""

import numpy as np
import pytest

from deepvanet.config import Execution, NetworkSettings, PrepareSettings
from deepvanet.datasets.recordings.check import check_recordings
from deepvanet.learners.network import NetworkLearner
from deepvanet.preparation.run import prepare
from deepvanet.schema import Stream, UserError
from deepvanet.signal_io.feature_tables import read_features
from deepvanet.store import open_store
from small_recordings import write_trials
from small_store import take_rows

OPENFACE = "frame, face_id, timestamp, confidence, success, x_0, pose_Rx, AU12_r"


def write_openface(path, seconds, *, fps=25, lost=(), level=0.0):
    """Write what OpenFace does; AU12_r holds the time of the frame."""
    rows = [OPENFACE]
    for k in range(seconds * fps):
        at_s, success = k / fps, int(k not in lost)
        rows.append(
            f"{k + 1}, 0, {at_s:.3f}, 0.98, {success}, 310, {level}, {at_s:.3f}"
        )
    path.write_text("\n".join(rows) + "\n")
    return path


def test_openface_s_units_are_read_at_their_times_and_lost_frames_are_missing(tmp_path):
    table = read_features(write_openface(tmp_path / "f.csv", 2, lost=range(10, 20)))

    assert table.names == ("pose_Rx", "AU12_r")
    assert np.isnan(table.values[:, 1]).nonzero()[0].tolist() == [*range(10, 20)]
    sampled = table.sample(["AU12_r"], start_s=0.2, n_steps=10, fps=5.0)[:, 0]
    expected = 0.2 + np.arange(10) / 5
    expected[[1, 2]] = np.nan  # 0.4 and 0.6 s
    expected[9] = np.nan  # 2 s, after the last frame by less than half a step
    assert np.allclose(sampled[:9], expected[:9], atol=0.02, equal_nan=True)


def test_py_feat_s_frames_are_counted_at_the_rate_of_the_video(tmp_path):
    path = tmp_path / "pyfeat.csv"
    path.write_text(
        "frame,FaceRectX,AU01,anger,input\n"
        + "".join(f"{k},12,0.{k},0.5,v.mp4\n" for k in range(5))
    )

    table = read_features(path, fps=10.0)

    assert table.names == ("AU01", "anger")
    assert np.allclose(table.time_s, np.arange(5) / 10)
    with pytest.raises(UserError, match="nothing says how many frames a second"):
        read_features(path)


def test_of_several_faces_that_of_most_rows_is_read(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("timestamp,face_id,embedding_1\n0,0,1\n0,1,9\n0.1,0,2\n0.2,0,3\n")

    assert read_features(path).values[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AU01,AU02\n1,2\n3,4\n", "needs a column timestamp of seconds, or frame"),
        ("timestamp,confidence\n0,1\n1,1\n", "no columns of features"),
    ],
)
def test_a_table_that_says_too_little_is_refused(tmp_path, text, said):
    (tmp_path / "f.csv").write_text(text)

    with pytest.raises(UserError, match=said):
        read_features(tmp_path / "f.csv")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    rows = []
    for subject in ("a", "b"):
        for trial in range(1, 4):
            name = f"{subject}{trial}.csv"
            high = trial % 2
            write_openface(folder / name, 8, level=float(high), lost=range(25, 50))
            rows.append(
                {"subject": subject, "trial": f"t{trial}", "stimulus": f"c{trial}"}
                | {"face_features": name, "onset_s": 2, "duration_s": 4}
                | {"valence": 3 + 4 * high, "arousal": 4 + trial}
            )
    return write_trials(folder / "trials.csv", rows)


def test_features_go_from_a_table_of_trials_to_a_network(table, tmp_path):
    settings = PrepareSettings()
    prepare(
        "recordings",
        table,
        tmp_path / "store",
        settings=settings,
        execution=Execution(),
    )
    store = open_store(tmp_path / "store").cut()

    rows = take_rows(store, [Stream.FACE_FEATURES])
    fitted = NetworkLearner(NetworkSettings(epochs=1, batch_size=8), 0).fit(rows)

    assert store.held == (Stream.FACE_FEATURES,)
    assert len(rows) == len(store.table) == 24
    read = rows.read(Stream.FACE_FEATURES)
    assert read.shape == (24, 2, 5)
    assert np.allclose(read[:4, 1].ravel(), 2 + np.arange(20) / 5, atol=0.02)
    assert fitted.score(rows).shape == (24,)
    assert fitted.chosen.reads == {"face-features": (Stream.FACE_FEATURES,)}


def test_a_check_reports_a_table_of_features_that_cannot_be_read(table):
    bad = table.parent / "bad.csv"
    bad.write_text("AU01,AU02\n1,2\n3,4\n")
    row = {"subject": "c", "trial": "t", "stimulus": "c1", "face_features": "bad.csv"}
    listed = write_trials(
        table.parent / "one.csv", [{**row, "duration_s": 4, "valence": 3, "arousal": 5}]
    )

    found = check_recordings(listed).findings

    assert any("needs a column timestamp" in finding.sentence for finding in found)
