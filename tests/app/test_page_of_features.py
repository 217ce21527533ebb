"""Tests of the page of a bundle that reads features of faces, which others made."""

import io

import numpy as np
import pandas as pd
import pytest

from deepvanet.bundle import train_bundle
from deepvanet.config import Execution, PrepareSettings, TrainSettings
from deepvanet.preparation.run import prepare
from pages import open_page
from small_recordings import write_trials

UNITS = ("AU01_r", "AU12_r")


def write_openface(path, *, seconds=10, names=UNITS):
    """Write units of a face that rise from second to second."""
    time_s = np.arange(seconds * 25) / 25
    noise = np.random.default_rng(0).normal(0, 0.2, (len(time_s), len(names)))
    table = pd.DataFrame(time_s[:, None] / seconds + noise, columns=list(names))
    table.insert(0, "timestamp", time_s)
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    write_openface(folder / "f.csv")
    rows = [
        {"subject": "p", "trial": f"t{k}", "stimulus": f"c{k}", "onset_s": 5 * k}
        | {"face_features": "f.csv", "duration_s": 4, "valence": 3 + 4 * k}
        for k in range(2)
    ]
    table = write_trials(folder / "trials.csv", rows)
    prepare(
        "recordings",
        table,
        folder / "store",
        settings=PrepareSettings(),
        execution=Execution(),
    )
    settings = TrainSettings(
        targets=("valence",),
        streams=("face-features",),
        baseline="none",
        cross_validate=False,
        learner="bandpower-logistic",
    )
    model = folder / "model"
    train_bundle(folder / "store", model, settings=settings, execution=Execution())
    with open_page(model) as served:
        yield served


@pytest.mark.slow
def test_a_table_of_features_is_answered_alone(page, tmp_path):
    sent = page.send(features=write_openface(tmp_path / "sent.csv", seconds=6))

    assert page.wait(sent)["state"] == "done"
    where = sent.headers["location"]
    result = page.get(f"{where}/result").read()
    table = pd.read_csv(io.BytesIO(page.get(f"{where}/timeline.csv").body))
    assert len(table) == 6
    assert {row["streams"] for row in result["rows"]} == {"face-features"}
    assert result["sets"]["face-features"] == ["face-features"]
    assert page.get("/version").read()["reads_features"]


@pytest.mark.slow
def test_the_example_has_features(page):
    sent = page.send(example="1")

    assert page.wait(sent)["state"] == "done"
    result = page.get(f"{sent.headers['location']}/result").read()
    assert {row["streams"] for row in result["rows"]} == {"face-features"}


@pytest.mark.slow
def test_other_columns_are_a_sentence_without_paths(page, tmp_path):
    path = write_openface(tmp_path / "sent.csv", names=("AU04_r", "AU05_r"))

    said = page.wait(page.send(features=path))

    assert said["state"] == "failed"
    assert said["error"] == (
        "features: sent.csv: the bundle was trained on the columns AU01_r, AU12_r, "
        "got AU04_r, AU05_r"
    )


def test_a_table_that_is_none_is_refused(page):
    answer = page.send(named={"features": "a.mp4"}, features=b"ftyp")

    assert answer.status == 422
    assert answer.read()["error"].startswith("features: must be one of .csv")
