"""Tests of :mod:`deepvanet.recipes`."""

import dataclasses
from pathlib import Path

import pytest

from deepvanet.config import EvaluateSettings, NetworkSettings
from deepvanet.recipes import (
    RECIPES,
    list_changes,
    list_recipes,
    read_recipe,
)
from deepvanet.schema import UserError

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"


def test_the_default_recipe_is_the_defaults_of_the_settings():
    settings = dataclasses.asdict(EvaluateSettings())
    usual = settings | settings.pop("network")

    for name, value in read_recipe("default").items():
        assert usual[name] == value


def test_a_published_recipe_has_neither_scaling_nor_class_weights():
    for recipe in ("paper", "code"):
        values = read_recipe(recipe)
        assert (values["scale"], values["class_weight"]) == ("none", "none")


def test_a_recipe_knows_its_baseline():
    baselines = {name: read_recipe(name)["baseline"] for name in RECIPES}

    assert baselines == {"default": None, "paper": "mean", "code": "waveform"}


def test_an_unknown_recipe_is_refused():
    with pytest.raises(UserError, match="unknown recipe 'papers', did you mean"):
        read_recipe("papers")


def test_what_departs_from_a_recipe_is_listed():
    settings = dataclasses.asdict(NetworkSettings(epochs=7, scale="none"))

    assert list_changes("paper", settings) == {
        "class_weight": "balanced",
        "offsets": "random",
        "epochs": "7",
    }


def test_the_page_on_recipes_has_the_table():
    text = PAGE.read_text(encoding="utf-8")

    for row in list_recipes():
        cells = [f"`{row[name]}`" for name in ("setting", *RECIPES)]
        assert f"| {' | '.join(cells)} | {row['source']} |" in text
