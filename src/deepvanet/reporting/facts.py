"""How a number came about: split, recipe, folds, epochs, training rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from deepvanet.protocols import PROTOCOLS, describe_held_out
from deepvanet.recipes import describe_recipe
from deepvanet.reporting.studies import Study
from deepvanet.schema import ScoreKey

_SCOPES = {"subject": "a model for each subject", "all": "one model of all subjects"}


def list_facts(study: Study, part: ScoreKey) -> list[tuple[str, str]]:
    """Return what a score depends on beside the signals, as names and texts."""
    folds = study.folds[part]
    return [
        ("split", describe_split(part.protocol)),
        ("recipe", describe_recipe(study.settings["evaluate"])),
        ("folds", _count_folds(folds)),
        ("epochs", _describe_epochs(study, part, folds)),
        ("training rows of a fold", _span([fold["n_train"] for fold in folds])),
    ]


def describe_split(protocol: str) -> str:
    """Say what is held out, and of how many subjects a model is made.

    Examples
    --------
    >>> describe_split("trial")
    'whole trials held out, a model for each subject'
    """
    facts = PROTOCOLS[protocol]
    if facts.is_forward:
        return f"the future of trials held out, {_SCOPES[facts.scope]}"
    return f"{describe_held_out(facts.unit)}, {_SCOPES[facts.scope]}"


def describe_length(network: Mapping[str, Any]) -> str:
    """Say how long a network is trained.

    Examples
    --------
    >>> describe_length({"epochs": 50, "steps": 0})
    '50 epochs'
    >>> describe_length({"epochs": 50, "steps": 1200})
    '1,200 steps'
    """
    number, noun = network["epochs"], "epoch"
    if network["steps"]:
        number, noun = network["steps"], "step"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _count_folds(folds: Sequence[Mapping[str, Any]]) -> str:
    """Count the folds that each model's rows were divided into."""
    table = pd.DataFrame([(f["seed"], f["scope"], f["fold"]) for f in folds])
    return _span(table.groupby([0, 1])[2].nunique())


def _describe_epochs(
    study: Study, part: ScoreKey, folds: Sequence[Mapping[str, Any]]
) -> str:
    """Say how long was trained, and how many fits could not choose."""
    chosen_on = [fold["epoch_chosen_on"] for fold in folds]
    if set(chosen_on) == {"none"}:
        return "none: fitted at once"
    length = describe_length(study.settings["evaluate"]["network"])
    wanted = PROTOCOLS[part.protocol].chooses_on
    if wanted == "last":
        return f"the last of {length}"
    said = f"chosen on {wanted} rows among {length}{_find_median(study, part)}"
    failed = chosen_on.count("last")
    if wanted == "validation":
        said += f"; {failed} of {len(chosen_on)} fits could not choose"
    return said + (" and took the last" if failed else "")


def _find_median(study: Study, part: ScoreKey) -> str:
    history = study.history
    for name, value in part._asdict().items():
        history = history[history[name].astype(str) == value]
    if not len(history):
        return ""
    used = history.loc[history["chosen"].astype(int) == 1, "epoch"]
    return f", median {used.median():g}" if len(used) else ""


def _span(numbers: Any) -> str:
    low, high = int(min(numbers)), int(max(numbers))
    return f"{low:,}" if low == high else f"{low:,}\N{EN DASH}{high:,}"
