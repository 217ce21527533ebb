"""The page: sentences, numbers as text, and the template."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from deepvanet.gap import LEVEL, describe_gap
from deepvanet.metrics import (
    HIGH_LOW,
    LEAST_CLIPS,
    LEAST_SUBJECTS,
    QUADRANTS,
    Form,
)
from deepvanet.protocols import PROTOCOLS, columns_of
from deepvanet.recipes import list_recipes
from deepvanet.reporting import leaks, people, tables, verdicts
from deepvanet.reporting.cleaning import describe_cleaning
from deepvanet.reporting.elsewhere import describe_elsewhere
from deepvanet.reporting.exports import Export
from deepvanet.reporting.facts import describe_length, describe_split
from deepvanet.reporting.figures import KINDS
from deepvanet.reporting.findings import list_findings
from deepvanet.reporting.grids import MOST_LINES
from deepvanet.reporting.plotting import MM_AN_INCH, Plot, make_file_name
from deepvanet.reporting.studies import NO_LEAK, Study, list_clip_labelled
from deepvanet.reporting.wording import MISSING, Wording, list_words, write_p
from deepvanet.schema import PRIORS


def render_page(
    studies: Sequence[Study],
    plots: Sequence[Sequence[Plot]],
    exports: Sequence[Sequence[Export]] = (),
    elsewhere: pd.DataFrame | None = None,
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    studies : sequence of Study
        Shown one below the other.
    plots : sequence of sequence of Plot
        The figures of each study.
    exports : sequence of sequence of Export
        The tables that lie beside the page, of each study.
    elsewhere : DataFrame, optional
        Scores of predictions that were made elsewhere, of the only study.

    Returns
    -------
    str
        All of it, figures and styles too.
    """
    exports = exports or [()] * len(studies)
    return _open_template().render(
        studies=[
            _describe(study, made, beside)
            for study, made, beside in zip(studies, plots, exports, strict=True)
        ],
        elsewhere=[]
        if elsewhere is None
        else describe_elsewhere(studies[0], elsewhere),
        has_segments=any("segment" in study.form.levels for study in studies),
        has_probabilities=any(not study.form.is_rating for study in studies),
        words_of_metrics=list_words(study.form for study in studies),
        trials_say=_join([Wording(study.form).trials for study in studies]),
        priors_say=Markup(_join([Wording(study.form).priors for study in studies])),
        least_subjects=LEAST_SUBJECTS,
        least_clips=LEAST_CLIPS,
        recipes=list_recipes(),
        no_leak=NO_LEAK,
        missing=MISSING,
        most_lines=MOST_LINES,
        shared_counts=leaks.list_counted(studies),
        sizes=leaks.SIZES,
        title=f"Scores of {write_list(dict.fromkeys(s.dataset for s in studies))}",
    )


def _join(sentences: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(sentences))


@cache
def _open_template() -> Template:
    environment = Environment(
        loader=PackageLoader("deepvanet.reporting", "."),
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
    return environment.get_template("page.html")


def _describe(
    study: Study, plots: Sequence[Plot], exports: Sequence[Export]
) -> dict[str, Any]:
    figures = {
        kind: [
            {
                "name": made.name,
                "alt": f"{made.title}. {made.alt}".strip() if made.alt else made.title,
                "is_file": bool(made.pdf),
                "svg": Markup(made.inline),
                "width_in": made.width_in,
                "width_mm": round(MM_AN_INCH * made.width_in),
                "font_pt": made.font_pt,
            }
            for made in plots
            if f"{kind}-" in made.name
        ]
        for kind in KINDS
    }
    words = Wording(study.form)
    answers = verdicts.list_answers(study)
    return {
        "dataset": study.dataset,
        "words": words,
        "protocols": _describe_protocols(study),
        "answers": _describe_answers(answers, words),
        "tests_say": verdicts.describe_tests(answers),
        "sentence": describe_run(study),
        "pairs": _describe_pairs(study),
        "gaps": study.gaps,
        "score_tables": tables.list_score_tables(study),
        "figures": figures,
        "verdict_files": [table.name for table in exports if "verdicts" in table.name],
        "score_files": {
            target: table.name
            for table in exports
            for target in study.targets
            if table.name.endswith(make_file_name("scores", target))
        },
        "seeds": _list_headlines(study, study.seeds),
        "clips_say": describe_clips(study),
        "skills": tables.list_skills(study),
        "priors": [name for name in PRIORS if name in study.learners],
        "controls_say": tables.describe_controls(study),
        "cleaning": describe_cleaning(study),
        "leaks_of": study.leaks_of,
        "shares_of": study.shares_of,
        "leaks": leaks.list_leaks(study),
        "notes": study.leakage["notes"],
        "counts": leaks.list_counts(study),
        "findings": list_findings(study),
        "without_video": leaks.list_without_video(study),
        "groups": people.list_group_tables(study),
        "coverage": people.list_coverage(study),
        "over_priors": _list_headlines(study, study.over_priors),
        "has_intervals": bool(study.scores["ci_low"].notna().any()),
        "least_p": _find_least_p(study),
        "n_tests": _count_tests(study),
        "runs": [
            {
                "name": run.path.resolve().name,
                "settings": dict(_flatten(run.settings)),
                "environment": dict(_flatten(run.environment)),
            }
            for run in study.runs
        ],
    }


def _describe_pairs(study: Study) -> list[tuple[tables.Pair, str, str]]:
    """Return each pair, its gap in words, and why, which is said once."""
    found, said = [], set()
    for pair in tables.list_pairs(study):
        why = explain_pair(pair)
        gap = " ".join(describe_gap(pair.gap)) if pair.gap else ""
        found.append((pair, gap, "" if why in said else why))
        said.add(why)
    return found


def _describe_protocols(study: Study) -> list[dict[str, str]]:
    """Return what each protocol is, leaks and shares."""
    return [
        {
            "name": protocol,
            "summary": mark_code(PROTOCOLS[protocol].summary)
            if protocol in PROTOCOLS
            else "",
            "leaks": study.leaks_of(protocol),
            "shares": study.shares_of(protocol),
        }
        for protocol in study.protocols
    ]


def _describe_answers(
    answers: Sequence[verdicts.Answer], words: Wording
) -> list[dict[str, Any]]:
    """Return, for each target, the answer in a line, verdicts, and what leaks."""
    return [
        {
            "line": mark_code(verdicts.summarise(answer)),
            "calls": {verdict.call for verdict in answer.verdicts},
            "verdicts": [
                {
                    "call": verdict.call,
                    "protocol": verdict.protocol,
                    "split": describe_split(verdict.protocol),
                    "shares": verdict.best.row.shares,
                    "said": verdicts.describe_verdict(verdict, words),
                }
                for verdict in answer.verdicts
            ],
            "leaking": [
                mark_code(verdicts.describe_leaking(row, words))
                for row in answer.leaking
            ],
        }
        for answer in answers
    ]


def _list_headlines(study: Study, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of trials' headline metric."""
    if "level" in rows:
        rows = rows[rows["level"] == LEVEL]
    rows = rows[rows["metric"] == study.form.headline]
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def _count_tests(study: Study) -> int:
    """Return for how many tests the p-values of the headline are corrected."""
    is_headline = study.scores["metric"] == study.form.headline
    n_tests = study.scores.loc[is_headline, "n_tests"]
    return int(n_tests.max()) if n_tests.notna().any() else 0


def _find_least_p(study: Study) -> float:
    """Return the least p-value that so many permutations can give; NaN of none."""
    n_permutations = [run.permutations["permutation"].nunique() for run in study.runs]
    return 1 / (1 + max(n_permutations)) if any(n_permutations) else float("nan")


def describe_run(study: Study) -> str:
    """Say in a sentence what was run."""
    rows = study.predictions
    trials = rows[columns_of("trial")].drop_duplicates()
    segments = rows[columns_of("segment")].drop_duplicates()
    counts = (
        f"{_count(rows['subject'].nunique(), 'subject')}, "
        f"{_count(len(trials), 'trial')} and {_count(len(segments), 'segment')}"
    )
    evaluated = study.settings["evaluate"]
    who = _name_learners(study.learners, describe_length(evaluated["network"]))
    seeds = sorted({int(seed) for seed in rows["seed"]})
    return (
        f"{study.dataset}: {counts}{_say_length(evaluated)}; {who}, "
        f"on {write_list(study.streams)}, "
        f"{describe_task(study, str(evaluated['label_rule']))}, "
        f"under {_count(len(study.protocols), 'protocol')}, "
        f"{'seed' if len(seeds) == 1 else 'seeds'} {write_list(seeds)}."
    )


def _say_length(evaluated: Mapping[str, Any]) -> str:
    """Say how long segments are; nothing where they are whole trials."""
    length = evaluated.get("segment", 1.0)
    if not isinstance(length, int | float):
        return ""
    return " of one second" if length == 1 else f" of {length:g} s"


def describe_task(study: Study, rule: str) -> str:
    """Say what was predicted of which targets."""
    if study.form.task == HIGH_LOW:
        rule = rule.replace(">=", "≥ ").replace(">", "> ")
        return (
            f"to split high {write_list(study.targets, 'or')} (rating {rule}) from low"
        )
    if study.form.moves:
        moving = write_list(study.targets)
        return f"to predict ratings of {moving} that move with time, moment by moment"
    if study.form.is_rating:
        return f"to predict ratings of {write_list(study.targets)}"
    if study.form.task == QUADRANTS:
        return "to predict the quadrant of valence and arousal"
    said = [
        f"{target} as {write_list(_write_classes(study.forms[target]), 'or')}"
        for target in study.targets
    ]
    return f"to predict {write_list(said)}"


def _write_classes(form: Form) -> list[str]:
    """Write the names of classes as a sentence has them."""
    return [
        re.sub(r"^([<>]=?)(?=\d)", lambda sign: f"{_SIGNS[sign[1]]} ", name)
        for name in form.classes
    ]


_SIGNS = {"<": "<", ">": ">", "<=": "≤", ">=": "≥"}


def describe_clips(study: Study) -> str:
    """Say where a clip's name is its label, or nothing."""
    targets = list_clip_labelled(study)
    if not targets:
        return ""
    return (
        f"Each clip has one label of {write_list(targets)} for all subjects, so that "
        "the stimulus prior is 100 % wherever other subjects who saw a clip trained: a "
        "learner that recognises the clip needs nothing else. Only protocols that hold "
        "clips out (“stimulus”, “subject-stimulus”) say more."
    )


def _name_learners(learners: Sequence[str], length: str) -> str:
    network = f"network ({length})"
    fitted = [name if name != "network" else network for name in learners]
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
    "so a learner can recognise the person instead of what separates the classes",
    "epoch": "the test rows themselves pick the epoch",
    "fit": "something was fitted on test labels",
    "unlabelled": "test signals, without their labels, had a part in training or in "
    "scoring each other",
}


def explain_pair(pair: tables.Pair) -> str:
    """Say what leaks on either side of a headline, or which side is missing."""
    published, honest = pair.published, pair.honest
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
    because += f" Under “{honest.protocol}” a trial is either in training or in test."
    for name in there_too:
        which = "both" if name in leaking else f"“{honest.protocol}”"
        because += f" Under {which}, {_REASONS[name]}."
    if pair.gap is None:
        return (
            f"{because} One is a model for each subject and the other one of all, so "
            "their difference is not taken apart."
        )
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


def mark_code(text: str) -> Markup:
    """Return a sentence with what stands in backticks marked as code.

    Examples
    --------
    >>> str(mark_code("as `trial`, a < b"))
    'as <code>trial</code>, a &lt; b'
    """
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(text))))


def write_short(value: float) -> str:
    """Write a number with at most one decimal.

    Examples
    --------
    >>> write_short(2.0), write_short(2.5), write_short(119.98)
    ('2', '2.5', '120')
    """
    return f"{value:.1f}".removesuffix(".0")


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
