"""Tests of what ``train`` takes: the options of ``evaluate`` that it has a use for."""

import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest

from deepvanet.bundle import estimate_bundle, load_bundle, train_bundle
from deepvanet.cli import main
from deepvanet.cli.experiment import evaluate
from deepvanet.cli.model import train
from deepvanet.cli.options import name_option
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.schema import UserError

ALONE = Execution()
QUICK = TrainSettings(
    targets=("valence",),
    streams=("bio",),
    learner="bandpower-logistic",
    network=NetworkSettings(epochs=1, batch_size=8, precision="float32"),
)
NETWORK = replace(QUICK, learner="network")
PAGE = Path(__file__).parents[1] / "docs" / "predict.md"


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    return tiny_store(tmp_path_factory.mktemp("options") / "store").path


def list_options(command):
    return {name_option(name) for name in inspect.signature(command).parameters}


def read_files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_train_has_the_options_of_evaluate_but_for_those_that_its_page_explains():
    lacking = list_options(evaluate) - list_options(train)

    left_out = re.search(
        r"Options of `evaluate` that.*?\n\n(.*?)\n\n", PAGE.read_text(), flags=re.S
    )
    named = re.findall(r"^\| `(--[a-z-]+)`", left_out[1], flags=re.M)
    assert sorted(named) == sorted(lacking)


@pytest.mark.parametrize("n_folds", [2, 4])
def test_a_bundle_is_validated_by_as_many_folds_as_asked(store, tmp_path, n_folds):
    asked = replace(QUICK, folds=n_folds)

    made = train_bundle(store, tmp_path / "model", settings=asked, execution=ALONE)

    assert made.answers[0].validation.n_folds == n_folds
    assert estimate_bundle(store, asked).n_fits == n_folds + 1


def test_the_settings_of_a_bundle_make_it_again_to_the_byte(store, tmp_path):
    out = tmp_path / "model"
    options = ("--streams", "bio", "--target", "valence", "--folds", "2")
    more = ("--epochs", "1", "--steps", "3", "--normalise", "subject", "--jobs", "1")
    assert main(["train", str(store), "--out", str(out), *options, *more]) == 0

    again = ["--settings", str(out / "settings.toml"), "--out", str(tmp_path / "again")]
    assert main(["train", str(store), *again, "--jobs", "1"]) == 0

    assert read_files(tmp_path / "again") == read_files(out)
    bundle = load_bundle(out)
    assert bundle.training["network"]["normalise"] == "subject"
    assert bundle.answers[0].plan["steps"] <= 3
    # a new person is compared with the whole of their recording
    assert bundle.context == "trial"


def test_lengths_are_chosen_by_the_folds_and_trained_on_all_rows(store, tmp_path):
    network = replace(NETWORK.network, grid_bio=(4, 8))
    asked = replace(NETWORK, folds=2, network=network)

    made = train_bundle(store, tmp_path / "model", settings=asked, execution=ALONE)

    plan = made.answers[0].plan
    fitted = made.load("valence", "bio")
    assert plan["bio_features"] in (4, 8)
    assert fitted.recipe.bio_features == plan["bio_features"]
    card = (made.path / "README.md").read_text()
    assert f"{plan['bio_features']} bio features" in card
    assert "lengths of feature vectors, are each the median" in card


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (replace(QUICK, folds=99), r"folds: valence from bio: \d+ trials cannot be di"),
        (
            replace(QUICK, folds=2, cross_validate=False),
            "folds: has a use in the cross",
        ),
        (
            replace(QUICK, network=NetworkSettings(grid_bio=(4,))),
            "grid: is for learner network without stream dropout",
        ),
    ],
)
def test_what_has_no_use_is_refused_before_anything_is_made(
    store, tmp_path, asked, message
):
    with pytest.raises(UserError, match=message):
        train_bundle(store, tmp_path / "model", settings=asked, execution=ALONE)

    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--epochs", "2"), "--epochs: cannot be given beside --settings"),
        (("--folds", "2"), "--folds: cannot be given beside --settings"),
        ((), "holds no settings of a bundle of this version"),
    ],
)
def test_settings_of_a_bundle_stand_alone(store, tmp_path, capsys, options, message):
    file = tmp_path / "settings.toml"
    file.write_text('format = "deepvanet-run-1"\n')
    command = ["train", str(store), "--out", str(tmp_path / "m"), *options]

    assert main([*command, "--settings", str(file)]) == 2

    assert message in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "asked",
    [
        replace(QUICK, learner="trial-ridge", task="rating"),
        replace(NETWORK, stream_dropout=0.3, streams=("eeg", "bio")),
        replace(NETWORK, cross_validate=False),
        replace(QUICK, learner="bandpower-nb", subjects=("1",)),
    ],
)
def test_whatever_is_trained_has_an_estimate(store, asked):
    estimate = estimate_bundle(store, asked)

    assert estimate.n_fits == (6 if asked.cross_validate else 1)
    assert estimate.hours > 0
    assert estimate.n_bytes > 0


def test_a_training_can_say_only_what_it_would_take(store, tmp_path, capsys):
    command = ["train", str(store), "--out", str(tmp_path / "model"), "--estimate"]

    assert main([*command, "--streams", "bio", "--folds", "3", "--jobs", "1"]) == 0

    assert capsys.readouterr().out.startswith("estimate: 8 fits, ")
    assert not (tmp_path / "model").exists()
