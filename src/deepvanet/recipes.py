"""Recipes: how a model is trained, apart from how training and test are divided.

A published *protocol* is a split; a published *recipe* is what was trained on it. One
table holds every setting of every recipe with its source: the command line, the
documentation and the report read it. An explicit option overrides a recipe. What
chooses the epoch belongs to the protocol and stands in no recipe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from deepvanet.config import EvaluateSettings, NetworkSettings, RecipeName
from deepvanet.schema import pick

RECIPES: tuple[str, ...] = get_args(RecipeName)


@dataclass(frozen=True)
class RecipeSetting:
    """One setting, by recipe.

    Attributes
    ----------
    name : str
        As ``NetworkSettings`` or ``EvaluateSettings`` have it.
    default, paper, code : object
        What each recipe sets; None: what the trials of the store allow.
    source : str
        Where the published values come from.
    """

    name: str
    default: Any
    paper: Any
    code: Any
    source: str


_IMPLEMENTATION = "paper, implementation details"
_CODE_ONLY = "the authors' code only; the text does not say"

TABLE = (
    RecipeSetting(
        "baseline",
        EvaluateSettings.baseline,
        "mean",
        "waveform",
        "paper: the mean of 3 s before the trial; code: the mean one-second waveform",
    ),
    RecipeSetting(
        "scale",
        NetworkSettings.scale,
        "none",
        "none",
        "the text names none; the code has none",
    ),
    RecipeSetting(
        "label_rule",
        EvaluateSettings.label_rule,
        ">=5",
        ">=5",
        "paper: 5 is the threshold; code: 5 itself is high",
    ),
    RecipeSetting(
        "class_weight",
        NetworkSettings.class_weight,
        "none",
        "none",
        "neither names any",
    ),
    RecipeSetting(
        "normalise", NetworkSettings.normalise, "none", "none", "neither names any"
    ),
    RecipeSetting(
        "offsets",
        NetworkSettings.offsets,
        "none",
        "none",
        "neither has any; published protocols and controls have none by any recipe",
    ),
    RecipeSetting("epochs", NetworkSettings.epochs, 50, 50, _IMPLEMENTATION),
    RecipeSetting("batch_size", NetworkSettings.batch_size, 64, 64, _IMPLEMENTATION),
    RecipeSetting(
        "learning_rate", NetworkSettings.learning_rate, 1e-3, 1e-3, _IMPLEMENTATION
    ),
    RecipeSetting(
        "face_features", NetworkSettings.face_features, 16, 16, "paper, grid search"
    ),
    RecipeSetting(
        "bio_features", NetworkSettings.bio_features, 64, 64, "paper, grid search"
    ),
    RecipeSetting("dropout", NetworkSettings.dropout, 0.5, 0.5, _CODE_ONLY),
    RecipeSetting("units before the score", 20, 20, 20, _CODE_ONLY),
)
_FIXED = ("units before the score",)
"""Settings of the network, which no option of ``evaluate`` changes."""


def read_recipe(name: str) -> dict[str, Any]:
    """Return the settings of a recipe that ``evaluate`` can change.

    Raises
    ------
    UserError
        When there is no such recipe.
    """
    pick("recipe", name, RECIPES)
    return {s.name: getattr(s, name) for s in TABLE if s.name not in _FIXED}


def settle_recipe(recipe: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the settings of a recipe with those that were given in their place.

    Parameters
    ----------
    recipe : str
        Of ``RECIPES``.
    given : mapping
        Settings by name; None is not given.

    Returns
    -------
    label_rule : str
        Which ratings are high.
    others : dict
        ``baseline``, and settings of ``NetworkSettings``.

    Raises
    ------
    UserError
        When there is no such recipe.
    """
    own = {name: value for name, value in given.items() if value is not None}
    others = read_recipe(recipe) | own
    return others.pop("label_rule"), others


def list_recipes() -> list[dict[str, str]]:
    """Return the table as text, a row a setting: setting, the recipes, source."""
    return [
        {"setting": s.name, **{r: _write(getattr(s, r)) for r in RECIPES}}
        | {"source": s.source}
        for s in TABLE
    ]


def list_changes(recipe: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings in which a run departs from its recipe, as text.

    Parameters
    ----------
    settings : mapping
        Of ``evaluate`` and of the network, by name.
    """
    return {
        name: _write(settings[name])
        for name, value in read_recipe(recipe).items()
        if name in settings and value is not None and settings[name] != value
    }


def describe_recipe(settings: Mapping[str, Any]) -> str:
    """Name a recipe, and the settings that depart from it.

    Parameters
    ----------
    settings : mapping
        Of ``evaluate`` or ``train``, as plain values.
    """
    recipe = str(settings["recipe"])
    changes = list_changes(recipe, {**settings, **settings["network"]})
    changed = ", ".join(f"{name} {value}" for name, value in changes.items())
    return f"{recipe}, but {changed}".replace("_", " ") if changed else recipe


def _write(value: Any) -> str:
    return "mean or none" if value is None else str(value)
