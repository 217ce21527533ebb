"""Tests of :mod:`deepvanet.config`."""

import re

import pytest

from deepvanet import config
from deepvanet.schema import UserError


def test_settings_survive_toml(tmp_path):
    path = tmp_path / "settings.toml"
    values = config.to_dict(config.EvaluateSettings(seeds=(0, 1), folds=None))

    config.write_toml(path, values)

    assert config.read_toml(path) == values


def test_each_setting_changes_the_digest():
    plain = config.to_dict(config.NetworkSettings())
    names = {config.digest(plain)}

    for name, value in plain.items():
        names.add(config.digest({**plain, name: f"not {value}"}))

    assert len(names) == 1 + len(plain)


def test_a_broken_settings_file_is_named(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("epochs = = 3")

    with pytest.raises(UserError, match=r"settings\.toml: cannot be read"):
        config.read_toml(path)


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        ("NetworkSettings", {"scale": "trane"}, "scale: unknown 'trane', did you mean"),
        ("NetworkSettings", {"class_weight": "even"}, "class_weight: unknown 'even'."),
        ("NetworkSettings", {"normalise": "subjects"}, "normalise: unknown 'subjects'"),
        ("NetworkSettings", {"precision": "float64"}, "precision: unknown 'float64'"),
        (
            "NetworkSettings",
            {"device": "gpu"},
            "device: unknown 'gpu', did you",
        ),
        ("NetworkSettings", {"epochs": 0}, "epochs: must be 1 or more, got 0"),
        ("NetworkSettings", {"epochs": "3"}, "epochs: needs a whole number, got '3'"),
        ("NetworkSettings", {"epochs": True}, "epochs: needs a whole number, got True"),
        ("NetworkSettings", {"freeze_face": 1}, "freeze_face: needs true or false"),
        ("NetworkSettings", {"dropout": 2.0}, "dropout: must be 0 to 1, got 2.0"),
        ("NetworkSettings", {"dropout": float("nan")}, "dropout: must be 0 to 1, got"),
        (
            "NetworkSettings",
            {"grid_face": [1]},
            "grid_face: needs a list, each a whole",
        ),
        ("EvaluateSettings", {"baseline": "wave"}, "baseline: unknown 'wave', did you"),
        ("EvaluateSettings", {"segment": 0.0}, "segment: must be 0.001 to 3600, got 0"),
        ("EvaluateSettings", {"control": "noises"}, "control: unknown 'noises', did"),
        ("EvaluateSettings", {"recipe": "papers"}, "recipe: unknown 'papers', did you"),
        ("EvaluateSettings", {"seeds": (0, -1)}, "seeds: must be 0 or more, got -1"),
        ("EvaluateSettings", {"folds": 1}, "folds: must be 2 or more, got 1"),
        ("EvaluateSettings", {"folds": "3"}, "folds: needs a whole number or nothing"),
        ("EvaluateSettings", {"network": 3}, "network: needs NetworkSettings, got 3"),
        ("CompareSettings", {"level": "trials"}, "level: unknown 'trials', did you me"),
        (
            "Execution",
            {"executor": "rai"},
            "executor: unknown 'rai', did you mean 'ray",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_field(kind, values, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)) as refused:
        getattr(config, kind)(**values)

    assert refused.value.field == next(iter(values))


def test_settings_come_back_from_a_file_as_they_were(tmp_path):
    settings = config.EvaluateSettings(
        seeds=(1, 2), folds=3, network=config.NetworkSettings(grid_bio=(8, 16))
    )
    config.write_toml(tmp_path / "settings.toml", config.to_dict(settings))

    values = config.read_toml(tmp_path / "settings.toml")

    assert config.from_dict(config.EvaluateSettings, values) == settings


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"protocol": ["trial"]}, "protocol: there is no such setting, did you mean"),
        ({"network": {"epoch": 3}}, "epoch: there is no such setting, did you mean"),
        ({"network": {"epochs": "many"}}, "epochs: needs a whole number, got 'many'"),
        (3, "needs a table of settings, got 3"),
    ],
)
def test_a_file_of_wrong_settings_names_the_field(values, sentence):
    if isinstance(values, dict):
        usual = config.to_dict(config.EvaluateSettings())
        network = {**usual["network"], **values.get("network", {})}
        values = {**usual, **values, "network": network}

    with pytest.raises(UserError, match=sentence):
        config.from_dict(config.EvaluateSettings, values)


@pytest.mark.parametrize(("part", "name"), [(None, "label_rule"), ("network", "scale")])
def test_settings_that_lack_a_value_are_refused(part, name):
    values = config.to_dict(config.EvaluateSettings())
    del (values[part] if part else values)[name]

    with pytest.raises(UserError, match=f"{name}: is missing"):
        config.from_dict(config.EvaluateSettings, values)
