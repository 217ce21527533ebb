"""A card scores groups of people, or says that it did not."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from deepvanet.bundle import card, load_bundle, train_bundle
from deepvanet.config import Execution
from deepvanet.schema import UserError
from small_store import write_small_store
from task_bundles import SETTINGS, STREAMS

ALONE = Execution()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = write_small_store(
        tmp_path_factory.mktemp("groups") / "store",
        n_subjects=14,
        n_trials=8,
        n_segments=2,
        streams=STREAMS,
        baseline="none",
        graded=True,
    )
    for number, folder in enumerate(sorted((made.path / "subjects").iterdir())):
        file = folder / "trials.csv"
        trials = pd.read_csv(file, dtype=str)
        sex = "f" if number < 7 else "m" if number < 13 else ""
        trials.assign(sex=sex).to_csv(file, index=False)
    return made


def train(store, out, group=(), people=None, **asked):
    settings = replace(
        SETTINGS["high-low"],
        targets=("valence",),
        streams=("bio",),
        **{"cross_validate": True, **asked},
    )
    return train_bundle(
        store.path,
        out,
        settings=settings,
        execution=ALONE,
        group=group,
        people=people,
    )


def test_a_card_says_that_groups_are_not_measured_until_they_are(store, tmp_path):
    bundle = train(store, tmp_path / "model")
    networks = {f.name: f.read_bytes() for f in bundle.path.rglob("*.safetensors")}

    text = (bundle.path / "README.md").read_text()
    assert "## Groups of people" in text
    assert "is **not measured**" in text

    again = train(store, tmp_path / "model", group=["sex"])  # nothing is fitted anew

    text = (again.path / "README.md").read_text()
    assert "not measured**" not in text
    assert "| sex f | valence | bio | 7 | 56 |" in text
    assert "| sex not stated | valence | bio | 1 | 8 | nothing is known" in text
    assert networks == {
        f.name: f.read_bytes() for f in again.path.rglob("*.safetensors")
    }
    (validation,) = read_validations(again.path)
    (men,) = [g for g in validation["groups"] if g["group"] == "m"]
    assert (men["n_subjects"], men["n_trials"]) == (6, 48)
    assert men["ci_low"] <= men["mean"] <= men["ci_high"]
    assert load_bundle(again.path).lines() == bundle.lines()

    people = tmp_path / "people.csv"
    rows = [f"{n},{'l' if n < 8 else 'r'}" for n in range(1, 15)]
    people.write_text("\n".join(["id,hand", *rows]))
    third = train(store, tmp_path / "model", group=["hand", "sex"], people=people)

    text = (third.path / "README.md").read_text()
    assert "| hand l | valence | bio | 7 | 56 |" in text
    assert "| sex f | valence | bio | 7 | 56 |" in text


def read_validations(path):
    values = json.loads((path / "bundle.json").read_text())
    return [a["validation"] for n in values["networks"] for a in n["answers"]]


@pytest.mark.parametrize("use", ["", "## What it is for\n\n"])
def test_a_card_does_not_build_without_its_intended_use(
    use, store, tmp_path, monkeypatch
):
    assert card._USE.startswith("## What it is for\n\nResearch on recordings like")
    monkeypatch.setattr(card, "_USE", use)

    with pytest.raises(ValueError, match="a card needs a text below"):
        train(store, tmp_path / "model", cross_validate=False)

    assert not (tmp_path / "model" / "bundle.json").exists()


def test_a_card_says_what_it_is_not_for_and_where_more_is_said(store, tmp_path):
    bundle = train(store, tmp_path / "model", cross_validate=False)

    said = (bundle.path / "README.md").read_text()
    for words in (
        "It is not for decisions about a person",
        "forbidden in the European Union since 2 February 2025",
        "informed of it since 2 August 2026",
        "`docs/responsible-use.md` has more, and a text for consent",
    ):
        assert words in " ".join(said.split())


def test_groups_need_a_cross_validation_and_a_column(store, tmp_path):
    with pytest.raises(UserError, match="group: groups are scored in the cross-valid"):
        train(store, tmp_path / "a", group=["sex"], cross_validate=False)
    with pytest.raises(UserError, match=r"group: store .* has no column 'hand' of"):
        train(store, tmp_path / "b", group=["hand"])
    assert not (tmp_path / "b").exists()
