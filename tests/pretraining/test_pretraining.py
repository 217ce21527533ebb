"""Tests of :mod:`deepvanet.pretraining` and of starting from its weights."""

import json
import os
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from torch import nn

from deepvanet.cli import main
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PretrainSettings,
)
from deepvanet.datasets.afew_va.reader import find_clips
from deepvanet.evaluation import evaluate
from deepvanet.learners.making import find_learner
from deepvanet.metrics import measure_agreement
from deepvanet.models.encoders import build_pretraining
from deepvanet.models.trunk import Trunk
from deepvanet.models.trunk_weights import read_facts, read_trunk
from deepvanet.pretraining import pretrain
from deepvanet.pretraining.learning import split_actors
from deepvanet.results import read_predictions
from deepvanet.schema import Stream, UserError
from deepvanet.synthetic.afew_va import write_afew_va
from small_store import take_rows

ALONE = Execution()
QUICK = PretrainSettings(epochs=2, batch_size=16, validation=0.25, test=0.25)


@pytest.fixture(scope="module")
def actors(tmp_path_factory):
    """Eight actors of a short clip each, which nobody changes."""
    root = tmp_path_factory.mktemp("afew") / "AFEW-VA"
    write_afew_va(root, n_actors=8, n_clips=1, n_frames=6, execution=ALONE)
    return root


@pytest.fixture(scope="module")
def weights(actors, tmp_path_factory):
    path = tmp_path_factory.mktemp("afew") / "face.safetensors"
    pretrain(actors, path, settings=QUICK, execution=ALONE)
    return path


def poison_test_actors(root, facts):
    """Say nonsense of the actors who test, and show noise instead of their faces."""
    for clip in find_clips(root).clips:
        file = clip.folder / f"{clip.folder.name}.json"
        said = json.loads(file.read_text())
        if said["actor"].lower() in facts["actors"]["test"]:
            for frame in said["frames"].values():
                frame["valence"], frame["arousal"] = 10, -10
            file.write_text(json.dumps(said))


def test_the_trunk_and_its_head_have_the_paper_s_parameters():
    count = sum(p.numel() for p in build_pretraining().parameters())

    assert count == 4_704_250


def test_no_actor_is_in_two_parts_and_nobody_is_left_out():
    names = [f"actor {k}" for k in range(40)]

    parts = split_actors(names, validation=0.15, test=0.15, seed=0)

    assert {part: len(found) for part, found in parts.items()} == {
        "train": 28,
        "validation": 6,
        "test": 6,
    }
    assert sorted(n for found in parts.values() for n in found) == sorted(names)
    assert parts != split_actors(names, validation=0.15, test=0.15, seed=1)


def test_what_is_said_of_test_actors_changes_no_weight_and_no_choice(
    actors, weights, tmp_path
):
    root = shutil.copytree(actors, tmp_path / "AFEW-VA")
    before = read_facts(weights)
    poison_test_actors(root, before)

    made = pretrain(root, tmp_path / "w", settings=QUICK, execution=ALONE)

    assert made.facts["chosen_epoch"] == before["chosen_epoch"]
    assert made.facts["history"] == before["history"]
    assert made.facts["scores"] != before["scores"]
    for name, tensor in read_trunk(weights).tensors.items():
        assert torch.equal(tensor, read_trunk(tmp_path / "w").tensors[name])


@pytest.mark.slow
def test_same_seed_same_file_and_another_seed_another(actors, weights, tmp_path):
    for seed in (0, 1):
        settings = replace(QUICK, seed=seed)
        pretrain(actors, tmp_path / str(seed), settings=settings, execution=ALONE)

    same, other, first = (
        read_trunk(path).tensors for path in (tmp_path / "0", tmp_path / "1", weights)
    )
    assert read_facts(tmp_path / "0") == read_facts(weights)
    assert all(torch.equal(same[name], first[name]) for name in first)
    assert not any(torch.equal(other[name], first[name]) for name in first)


def test_a_finished_file_is_not_trained_again_nor_overwritten(actors, weights):
    made = pretrain(actors, weights, settings=QUICK, execution=ALONE)

    assert made.was_done
    with pytest.raises(UserError, match=r"made with other settings .*epochs"):
        pretrain(actors, weights, settings=replace(QUICK, epochs=9), execution=ALONE)


@pytest.mark.slow
def test_the_command_says_how_good_it_is(actors, tmp_path, capsys):
    out = tmp_path / "face.safetensors"
    options = ["--epochs", "1", "--validation", "0.25", "--test", "0.25"]

    assert main(["pretrain", str(actors), "--out", str(out), *options]) == 0

    said = capsys.readouterr().out
    assert "valence of actors never seen: " in said
    assert "rmse_of_mean" in said


def test_too_few_actors_end_with_status_2(tmp_path, capsys):
    root = tmp_path / "AFEW-VA"
    write_afew_va(root, n_actors=1, n_clips=1, n_frames=2)

    assert main(["pretrain", str(root), "--out", str(tmp_path / "w")]) == 2
    assert "1" in capsys.readouterr().err
    assert not (tmp_path / "w").exists()


def test_agreement_is_what_others_compute():
    rng = np.random.default_rng(0)
    said = rng.standard_normal(200)
    found = 0.5 * said + 1 + 0.3 * rng.standard_normal(200)

    agreement = measure_agreement(said, found)

    covariance = np.cov(said, found, ddof=0)
    apart = (said.mean() - found.mean()) ** 2
    ccc = 2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + apart)
    assert agreement["ccc"] == pytest.approx(ccc)
    assert agreement["pearson"] == pytest.approx(pearsonr(said, found)[0])
    assert agreement["rmse"] == pytest.approx(np.sqrt(np.mean((said - found) ** 2)))


def build_theirs():
    """Build a trunk as others have it: convolution, ReLU, pool."""
    layers = []
    for n_in, n_out, padding in ((3, 32, 0), (32, 64, 0), (64, 128, 1)):
        layers.append(nn.Conv2d(n_in, n_out, 3, padding=padding))
        layers += [nn.ReLU(), nn.MaxPool2d(3, stride=2)]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("prefix", ["", "face."])
@pytest.mark.parametrize("nested", [False, True])
def test_weights_of_others_give_the_same_maps(tmp_path, prefix, nested):
    theirs = build_theirs()
    held = {f"{prefix}net.{k}": v for k, v in theirs.state_dict().items()}
    held["head.weight"] = torch.zeros(2)
    torch.save({"state_dict": held} if nested else held, tmp_path / "w.pt")
    images = torch.rand(4, 3, 64, 64)

    ours = Trunk()
    ours.load_state_dict(read_trunk(tmp_path / "w.pt").tensors)

    torch.testing.assert_close(ours(images), theirs(images))


class _Attack:
    def __reduce__(self):
        return os.mkdir, (os.environ["DEEPVANET_ATTACK"],)


def test_a_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPVANET_ATTACK", str(tmp_path / "attacked"))
    (tmp_path / "w.pt").write_bytes(pickle.dumps(_Attack()))
    torch.save({"net.0.weight": _Attack()}, tmp_path / "v.pt")

    for name in ("w.pt", "v.pt"):
        with pytest.raises(UserError, match=name):
            read_trunk(tmp_path / name)

    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"net.3.weight": torch.zeros(64, 32, 5, 5)}, "net.3.weight must be a tensor"),
        ({"net.6.bias": None}, "net.6.bias must be a tensor"),
        ({"net.0.bias": torch.full((32,), torch.nan)}, "must hold finite numbers"),
    ],
)
def test_a_trunk_of_another_shape_is_named(tmp_path, change, message):
    held = {f"net.{k}": v for k, v in build_theirs().state_dict().items()} | change
    torch.save({k: v for k, v in held.items() if v is not None}, tmp_path / "w.pt")

    with pytest.raises(UserError, match=message):
        read_trunk(tmp_path / "w.pt")


@pytest.mark.parametrize("freeze", [False, True])
def test_a_network_starts_from_the_weights_and_a_frozen_one_keeps_them(
    tiny_store, weights, tmp_path, freeze
):
    store = tiny_store(tmp_path / "store", n_subjects=1, images=(2, 64))
    rows = take_rows(store, (Stream.FACE,))
    settings = NetworkSettings(epochs=1, batch_size=8, freeze_face=freeze)

    fitted = find_learner("network")(settings, 0, weights).fit(rows)
    fitted.save(tmp_path / "saved")

    from safetensors.torch import load_file

    saved = load_file(tmp_path / "saved" / "network.safetensors")
    start = read_trunk(weights).tensors
    trunk = {k: v for k, v in saved.items() if ".trunk." in k}
    assert len(trunk) == len(start) == 6
    same = [torch.equal(v, start[k.split(".trunk.")[1]]) for k, v in trunk.items()]
    assert all(same) if freeze else not any(same)


def test_a_run_keeps_the_weights_and_goes_on_without_the_original(
    tiny_store, weights, tmp_path
):
    store = tiny_store(tmp_path / "store", n_subjects=1).path
    mine = shutil.copy(weights, tmp_path / "mine.safetensors")
    settings = EvaluateSettings(
        protocols=("trial",),
        targets=("valence",),
        streams=("face",),
        folds=3,
        network=NetworkSettings(epochs=1, batch_size=8),
    )

    def run(out, face_weights=None):
        evaluate(
            store,
            tmp_path / out,
            settings=settings,
            execution=ALONE,
            face_weights=face_weights,
        )
        return read_predictions(tmp_path / out / "predictions.csv")["score"]

    started, drawn = run("a", tmp_path / mine), run("b")

    assert not np.allclose(started, drawn)
    kept = read_trunk(tmp_path / "a" / "face-weights.safetensors")
    assert kept.digest == read_trunk(weights).digest
    with pytest.raises(UserError, match="made with other settings"):
        run("a")


def test_freezing_needs_weights(tiny_store, tmp_path, capsys):
    store = tiny_store(tmp_path / "store", n_subjects=1).path
    command = ["evaluate", str(store), "--out", str(tmp_path / "run"), "--freeze-face"]

    assert main(command) == 2
    assert "--freeze-face: needs face weights" in capsys.readouterr().err
