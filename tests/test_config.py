"""Tests of :mod:`deepvanet.config`."""

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
