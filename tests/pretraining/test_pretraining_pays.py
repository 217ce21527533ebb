"""That pretraining pays: it knows unseen actors, and networks start better from it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from deepvanet.config import (
    Execution,
    NetworkSettings,
    PrepareSettings,
    PretrainSettings,
    digest,
    to_dict,
)
from deepvanet.datasets.afew_va.reader import find_clips
from deepvanet.learners.network import NetworkLearner
from deepvanet.pretraining import pretrain
from deepvanet.pretraining.crops import read_faces
from deepvanet.schema import PAPER_STREAMS, Stream
from deepvanet.store import Manifest, Rows, open_store, write_subject
from deepvanet.synthetic.afew_va import write_afew_va
from segment_blocks import join_segments

TWO_JOBS = Execution(jobs=2)
FACE = (Stream.FACE,)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    root = tmp_path_factory.mktemp("pretrained")
    write_afew_va(
        root / "AFEW-VA", n_actors=20, n_clips=4, n_frames=8, execution=TWO_JOBS
    )
    settings = PretrainSettings(epochs=12, batch_size=32, threads=2)
    return pretrain(
        root / "AFEW-VA", root / "face", settings=settings, execution=TWO_JOBS
    )


def test_it_beats_the_mean_on_actors_it_never_saw(pretrained):
    for scores in pretrained.facts["scores"].values():
        assert scores["ccc"] > 0.1
        assert scores["rmse"] < scores["rmse_of_mean"]


def write_face_store(folder: Path):
    """Write a store of actors whom no pretraining saw, a second a clip."""
    root = folder / "AFEW-VA"
    write_afew_va(root, n_actors=20, n_clips=6, n_frames=5, seed=7, execution=TWO_JOBS)
    found = find_clips(root)
    faces = read_faces(found.clips, aspect=1.0, execution=TWO_JOBS)
    settings = to_dict(PrepareSettings())
    manifest = Manifest("deap", False, settings, digest(settings), (), {})
    (folder / "store" / "subjects").mkdir(parents=True)
    (folder / "store" / "manifest.json").write_text(manifest.to_json())
    whole = [k for k in range(len(found.clips)) if np.sum(faces.clip == k) == 5]
    for number, actor in enumerate(found.actors):
        mine = [k for k in whole if found.clips[k].actor == actor]
        blocks = [_make_block(f"{number:02d}", k, faces) for k in mine]
        write_subject(
            folder / "store", f"{number:02d}", parts=iter(blocks), inputs={"inputs": {}}
        )
    return open_store(folder / "store").cut()


def _make_block(subject, clip, faces):
    here = faces.clip == clip
    names = {"subject": subject, "trial": str(clip)}
    row = {**names, "stimulus": str(clip), "recording": str(clip), "segment": 0}
    row |= {"start_s": 0.0, "duration_s": 1.0, "n_faces_found": 5}
    row |= {"n_faces_filled": 0, "n_frames_padded": 0}
    row |= {f"has_{s}": int(s == Stream.FACE) for s in PAPER_STREAMS}
    valence, arousal = 1 + 8 * faces.wanted[here].mean(axis=0)
    table = pd.DataFrame([row]).assign(valence=valence, arousal=arousal)
    return join_segments(table, {Stream.FACE: faces.crops[here][None]}, names)


def test_a_network_that_starts_from_it_knows_more_of_new_people_than_a_drawn_one(
    pretrained, tmp_path
):
    store = write_face_store(tmp_path)
    valence = store.table["valence"].to_numpy()
    label = (valence > np.median(valence)).astype(np.int64)
    rows = Rows(store, np.arange(len(label)), FACE, label)
    trains = rows.table["subject"].astype(int).to_numpy() < 13
    train, test = rows.take(trains), rows.take(~trains)
    settings = NetworkSettings(epochs=4, batch_size=8)

    drawn, started = (
        np.mean(
            [
                roc_auc_score(
                    test.label,
                    NetworkLearner(settings, seed, weights).fit(train).score(test),
                )
                for seed in range(3)
            ]
        )
        for weights in (None, pretrained.weights)
    )

    assert started > drawn + 0.05
