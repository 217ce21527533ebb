"""The page: sentences, numbers as text, and the template."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deepvanet.metrics import METRICS
from deepvanet.protocols import PROTOCOLS
from deepvanet.report import leaks, tables
from deepvanet.report.cleaning import describe_cleaning
from deepvanet.report.drawing import Drawing
from deepvanet.report.figures import KINDS
from deepvanet.report.grids import MOST_LINES
from deepvanet.report.studies import NO_LEAK, Study
from deepvanet.schema import PRIORS

MISSING = "\N{EN DASH}"

METRIC_NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "mcc": "MCC",
    "auroc": "AUROC",
}


def render_page(studies: Sequence[Study], drawings: Sequence[Sequence[Drawing]]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    drawings : sequence of sequence of Drawing
        The figures of each study.
    """
    environment = Environment(
        loader=PackageLoader("deepvanet.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        fraction=write_fraction,
        percent=write_percent,
        p=write_p,
        listed=write_list,
        counted=_count,
        short=write_short,
    )
    return environment.get_template("page.html").render(
        studies=[
            _describe(study, made)
            for study, made in zip(studies, drawings, strict=True)
        ],
        metrics={name: METRIC_NAMES.get(name, name) for name in METRICS},
        no_leak=NO_LEAK,
        most_lines=MOST_LINES,
        shared_counts=leaks.SHARED_COUNTS,
        sizes=leaks.SIZES,
        summaries={name: facts.summary for name, facts in PROTOCOLS.items()},
        title=f"Scores of {write_list(dict.fromkeys(s.dataset for s in studies))}",
    )


def _describe(study: Study, drawings: Sequence[Drawing]) -> dict[str, Any]:
    figures = {
        kind: [
            {
                "title": made.title,
                "svg": Markup(made.inline),
                "width_in": made.width_in,
            }
            for made in drawings
            if f"{kind}-" in made.name
        ]
        for kind in KINDS
    }
    pairs = tables.list_pairs(study)
    return {
        "dataset": study.dataset,
        "sentence": describe_run(study),
        "pairs": pairs,
        "why": explain_difference(pairs),
        "score_tables": tables.list_score_tables(study),
        "figures": figures,
        "seeds": _list_seeds(study),
        "controls_say": tables.describe_controls(study),
        "cleaning": describe_cleaning(study),
        "leaks_of": study.leaks_of,
        "leaks": leaks.list_leaks(study),
        "notes": study.leakage["notes"],
        "counts": leaks.list_counts(study),
        "without_video": leaks.list_without_video(study),
        "n_subjects": study.predictions["subject"].nunique(),
        "runs": [
            {
                "name": run.path.resolve().name,
                "settings": dict(_flatten(run.settings)),
                "environment": dict(_flatten(run.environment)),
            }
            for run in study.runs
        ],
    }


def _list_seeds(study: Study) -> list[dict[str, Any]]:
    rows = study.seeds
    rows = rows[(rows["level"] == "trial") & (rows["metric"] == "balanced_accuracy")]
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def describe_run(study: Study) -> str:
    """Say in a sentence what was run."""
    rows = study.predictions
    trials = rows[["subject", "trial"]].drop_duplicates()
    segments = rows[["subject", "trial", "segment"]].drop_duplicates()
    counts = (
        f"{_count(rows['subject'].nunique(), 'subject')}, "
        f"{_count(len(trials), 'trial')} and {_count(len(segments), 'segment')}"
    )
    evaluated = study.settings["evaluate"]
    who = _name_learners(study.learners, evaluated["network"]["epochs"])
    seeds = sorted({int(seed) for seed in rows["seed"]})
    return (
        f"{study.dataset}: {counts} of one second; {who}, "
        f"on {write_list(study.streams)}, "
        f"to tell high {write_list(study.targets, 'or')} (rating "
        f"{evaluated['label_rule'].replace('>=', '≥ ').replace('>', '> ')}) from low, "
        f"under {_count(len(study.protocols), 'protocol')}, "
        f"{'seed' if len(seeds) == 1 else 'seeds'} {write_list(seeds)}."
    )


def _name_learners(learners: Sequence[str], n_epochs: int) -> str:
    epochs = f"network ({_count(n_epochs, 'epoch')})"
    fitted = [name if name != "network" else epochs for name in learners]
    priors = [name for name in fitted if name in PRIORS]
    others = [name for name in fitted if name not in PRIORS]
    said = [write_list(others)] if others else []
    if priors:
        said.append(f"the prior{'s'[: len(priors) - 1]} {write_list(priors)}")
    return " beside ".join(said)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_REASONS = {
    "trial": "seconds of one trial are in training and in test; neighbouring seconds "
    "look alike, so a learner can recognise the trial instead of what was felt",
    "subject": "each subject has one label over all its trials and is on both sides, "
    "so a learner can recognise the person instead of what tells the classes apart",
    "epoch": "the test rows themselves pick the epoch",
    "fit": "something was fitted on test labels",
    "unlabelled": "test signals, without their labels, had a part in training or in "
    "scoring each other",
}


def explain_difference(pairs: Sequence[tables.Pair]) -> str:
    """Say why the two numbers of the headline need not agree."""
    published = next((pair.published for pair in pairs if pair.published), None)
    honest = next((pair.honest for pair in pairs if pair.honest), None)
    if published is None:
        return (
            "The published protocol was not run, so there is nothing to set beside "
            "these scores."
        )
    leaking = _list_leaks(published)
    there_too = _list_leaks(honest) if honest else []
    reasons = [_REASONS[name] for name in leaking if name not in there_too]
    because = f"Under “{published.protocol}” {'; '.join(reasons)}."
    if not reasons:
        because = (
            f"In this run no trial was on both sides under “{published.protocol}”."
        )
    if honest is None:
        return (
            f"{because} No protocol that keeps trials whole was run, so nothing here "
            "says how well a new recording would be read."
        )
    because += (
        f" Under “{honest.protocol}” a whole trial is either in training or in test, "
        "so only what carries over to a new trial counts."
    )
    for name in there_too:
        which = "both" if name in leaking else f"“{honest.protocol}”"
        because += f" Under {which}, {_REASONS[name]}."
    return because


def _list_leaks(card: tables.Card) -> list[str]:
    return [name for name in card.row.leaks.split("+") if name in _REASONS]


def write_fraction(value: float) -> str:
    """Write a metric with three decimals, and a dash where there is none.

    Examples
    --------
    >>> write_fraction(0.5), write_fraction(-0.12345), write_fraction(float("nan"))
    ('0.500', '−0.123', '–')
    """
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}") if isfinite(value) else MISSING


def write_percent(value: float) -> str:
    """Write a fraction as a percentage.

    Examples
    --------
    >>> write_percent(0.98351)
    '98.4'
    """
    return f"{100 * value:.1f}" if isfinite(value) else MISSING


def write_short(value: float) -> str:
    """Write a number with at most one decimal.

    Examples
    --------
    >>> write_short(2.0), write_short(2.5), write_short(119.98)
    ('2', '2.5', '120')
    """
    return f"{value:.1f}".removesuffix(".0")


def write_p(value: float) -> str:
    """Write a p-value, blank where there is none.

    Examples
    --------
    >>> write_p(0.0123), write_p(0.0002), write_p(float("nan"))
    ('0.012', '< 0.001', '')
    """
    if not isfinite(value):
        return ""
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def write_list(words: Any, last: str = "and") -> str:
    """Write words as a list in a sentence.

    Examples
    --------
    >>> write_list(["face", "bio", "face+bio"])
    'face, bio and face+bio'
    """
    *some, end = [str(word) for word in words]
    return f"{', '.join(some)} {last} {end}" if some else end


def _flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += _flatten(value, f"{name}.")
        elif isinstance(value, (list, tuple)):
            rows.append((name, ", ".join(map(str, value)) or "all"))
        else:
            rows.append((name, str(value)))
    return rows
