"""Train on all rows of a store; keep and load a model with its recipe.

The folder::

    MODEL/README.md                          the model card, for people
    MODEL/bundle.json                        recipe, channels, rates, label rule, scores
    MODEL/networks/valence/face+bio/         one network: safetensors and JSON
    MODEL/cross-validation/valence/face+bio/ one finished fold a file
    MODEL/face-weights.safetensors           where face trunks started, if given

Nothing in it is executed when it is loaded. A fold's file and a network's folder
appear whole or not at all, ``bundle.json`` last, so an interrupted training goes on.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deepvanet.bundle.card import Trained, summarise, write_card
from deepvanet.bundle.levels import find_rest, measure_levels
from deepvanet.bundle.loading import (
    FORMAT,
    Answer,
    Bundle,
    Level,
    load_bundle,
    name_folder,
)
from deepvanet.bundle.rows import Part, make_learner, open_rows, plan_parts
from deepvanet.bundle.validation import (
    Plan,
    Validation,
    find_steps,
    fit_fold,
    judge,
    name_fold,
    plan_validation,
)
from deepvanet.config import Execution, TrainSettings, claim_folder, to_dict
from deepvanet.execution import run_tasks
from deepvanet.files import make_folder, remove_unfinished, write_text
from deepvanet.labels import check_label_rule
from deepvanet.learners.face_start import keep_face_weights, name_face_weights
from deepvanet.learners.repeatable import settle_machine
from deepvanet.learners.training import plan_steps
from deepvanet.schema import Channel, pick
from deepvanet.store import digest_store, open_store, pick_subjects

__all__ = ["Answer", "Bundle", "Level", "Validation", "load_bundle", "train_bundle"]

_log = logging.getLogger(__name__)


def train_bundle(
    store_path: Path,
    out: Path,
    *,
    settings: TrainSettings,
    execution: Execution,
    face_weights: Path | None = None,
) -> Bundle:
    """Train a network for each target and stream set on all rows of a store.

    Parameters
    ----------
    face_weights : Path | None
        What the face trunk starts from, as ``pretrain`` or others wrote it.

    Raises
    ------
    UserError
        When the store lacks a stream or a class, or ``out`` holds another bundle.
    """
    store = open_store(store_path)
    pick("scale", settings.network.scale, ["train", "none"])
    check_label_rule(settings.label_rule)
    network = name_face_weights(settings.network, face_weights)
    settings = replace(settings, network=settle_machine(network))
    subjects = pick_subjects(store, settings.subjects)
    described = {
        "format": FORMAT,
        "dataset": store.manifest.dataset,
        "is_raw": store.manifest.is_raw,
        "recipe": dict(store.manifest.settings),
        "training": {**to_dict(settings), "subjects": list(subjects)},
        "store_digest": digest_store(store),
        "channels": [asdict(channel) for channel in store.manifest.channels],
    }
    parts = plan_parts(settings)
    rows = {part: open_rows(store_path, settings, subjects, part) for part in parts}
    plans = {
        part: plan_validation(rows[part], part, settings)
        if settings.cross_validate
        else Plan("", (), "it was not asked for")
        for part in parts
    }
    make_folder(out)
    _remove_unfinished(out, parts)
    claim_folder(out, described, what="bundle")
    kept = keep_face_weights(out, face_weights)
    given = store_path, out, settings, subjects, kept
    _cross_validate(partial(fit_fold, *given), out, plans, execution)
    steps = {
        part: find_steps(out, part, plan)
        if plan.folds
        else sum(plan_steps(len(rows[part]), settings.network))
        for part, plan in plans.items()
    }
    waiting = [p for p in parts if not name_folder(out, p.target, p.streams).is_dir()]
    work = partial(_train, *given)
    tasks = [(part, steps[part]) for part in waiting]
    for _ in run_tasks(work, tasks, execution=execution, what="train"):
        pass
    trained = [
        Trained(
            part,
            steps[part],
            summarise(rows[part], part.target),
            judge(out, part, plan, rows[part], settings) if plan.folds else {},
            plan.obstacle,
        )
        for part, plan in plans.items()
    ]
    values = {
        **described,
        "rest_s": find_rest(store),
        "channels": _describe_channels(
            store.manifest.channels,
            measure_levels(out, rows, scale=settings.network.scale),
        ),
    }
    _describe(out, values, trained)
    return load_bundle(out)


def _remove_unfinished(out: Path, parts: list[Part]) -> None:
    folders = [out]
    for part in parts:
        folders += [
            name_folder(out, part.target, part.streams).parent,
            name_fold(out, part, 0).parent,
        ]
    for folder in folders:
        remove_unfinished(folder)


def _cross_validate(
    work: "partial[None]", out: Path, plans: Mapping[Part, Plan], execution: Execution
) -> None:
    """Fit the folds that have not been fitted before."""
    for part, plan in plans.items():
        if plan.protocol and plan.obstacle:
            _log.warning(
                "%s from %s: not cross-validated, so neither scored nor calibrated: %s",
                *(part.target, part.streams, plan.obstacle),
            )
    waiting = [
        (part, number)
        for part, plan in plans.items()
        for number in range(len(plan.folds))
        if not name_fold(out, part, number).is_file()
    ]
    for _ in run_tasks(work, waiting, execution=execution, what="validate"):
        pass


def _train(
    store_path: Path,
    out: Path,
    settings: TrainSettings,
    subjects: tuple[str, ...],
    face_weights: Path | None,
    task: tuple[Part, int],
) -> None:
    part, steps = task
    rows = open_rows(store_path, settings, subjects, part)
    settings = replace(settings, network=replace(settings.network, steps=steps))
    fitted = make_learner(settings, face_weights).fit(rows)
    folder = name_folder(out, part.target, part.streams)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fitted.save(folder)


def _describe_channels(
    channels: Iterable[Channel], levels: Mapping[str, Level]
) -> list[dict[str, Any]]:
    unknown: dict[str, None] = dict.fromkeys(("median", "spread"))
    return [
        {
            **asdict(channel),
            **(asdict(levels[channel.name]) if channel.name in levels else unknown),
        }
        for channel in channels
    ]


def _describe(out: Path, described: Mapping[str, Any], trained: list[Trained]) -> None:
    """Write what programs and people want to know, the bundle's own file last."""
    values = {
        **described,
        "networks": [item.to_dict() for item in trained],
        "versions": {name: version(name) for name in ("deepvanet", "torch")},
    }
    write_card(out / "README.md", values, trained)
    write_text(out / "bundle.json", json.dumps(values, indent=2) + "\n")
