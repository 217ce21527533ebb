"""What a report shows together: runs of one data set and one recipe.

Two protocols are compared only where the recordings were prepared alike and the
network was built and trained alike; so runs are gathered by that recipe. A run without
a network joins those that asked the same of the same recordings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet.config import digest
from deepvanet.datasets.people_table import People
from deepvanet.gap import Gap, list_gaps
from deepvanet.metrics import (
    GROUP_COLUMNS,
    SCORE_COLUMNS,
    Form,
    find_form,
    find_groups,
    score_subjects,
    tabulate_coverage,
    tabulate_groups,
    tabulate_over_priors,
    tabulate_scores,
    tabulate_seeds,
)
from deepvanet.protocols import PROTOCOLS, columns_of
from deepvanet.reporting.repeats import Place, check_repeats, drop_repeats
from deepvanet.results import (
    CleaningExcerpt,
    Run,
    open_run,
    sharing_of,
    training_sizes_of,
)
from deepvanet.schema import (
    KEY_COLUMNS,
    PRIORS,
    STREAM_SETS,
    TRAINED_WITH,
    ScoreKey,
    Target,
    UserError,
    quote,
)

NO_LEAK = NO_CONTROL = "none"
_CONTROLS = tuple(name for name, facts in PROTOCOLS.items() if facts.kind == "control")
_PERMUTATION = (*KEY_COLUMNS, "permutation")


@dataclass(frozen=True)
class Study:
    """Runs of one data set and one recipe.

    Attributes
    ----------
    dataset : str
        The layout that the recordings came from.
    runs : tuple of Run
        At least one.
    predictions : DataFrame
        Of all runs; no two runs hold the same part: priors that coincide are those of
        the first.
    leakage : mapping
        ``notes`` and ``parts`` of all runs, as in ``leakage.json``.
    scores : DataFrame
        Rows of ``scores.csv``.
    controls : DataFrame
        The same of control runs, with a column ``control``; often without a row.
    group : tuple of str
        Columns of trials by whose values people are scored apart.
    people : People | None
        A table with further such columns.
    """

    dataset: str
    runs: tuple[Run, ...]
    predictions: pd.DataFrame
    leakage: Mapping[str, Any]
    scores: pd.DataFrame
    controls: pd.DataFrame
    group: tuple[str, ...] = ()
    people: People | None = None

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Rows of ``groups.csv``; none where no group was asked for."""
        tables = [
            tabulate_groups(
                self.predictions,
                self._find_groups(column),
                column=column,
                dataset=self.dataset,
                sharing=self.sharing,
            )
            for column in self.group
        ]
        return (
            pd.concat(tables, ignore_index=True)
            if tables
            else pd.DataFrame(columns=list(GROUP_COLUMNS))
        )

    def _find_groups(self, column: str) -> dict[str, str]:
        """Return the group of each subject, which all runs must state alike."""
        found: dict[str, str] = {}
        for run, trials in zip(self.runs, self._trials, strict=True):
            what = f"run {run.path}"
            mine = find_groups(trials, column, what=what)
            for subject, group in mine.items():
                if found.setdefault(subject, group) != group:
                    raise UserError(
                        f"subject {subject} of {what} has the {column} {quote(group)}, "
                        f"and in another run {quote(found[subject])}",
                        field="group",
                    )
        return found

    @cached_property
    def _trials(self) -> list[pd.DataFrame]:
        """The trials of each run, and what the table of people says of their people."""
        people = self.people
        return [
            run.trials if people is None else people.add_to(run.trials)
            for run in self.runs
        ]

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """Rows of ``coverage.csv``; none where no protocol holds out people."""
        return tabulate_coverage(
            self.predictions, dataset=self.dataset, sharing=self.sharing
        )

    @cached_property
    def form(self) -> Form:
        """The task, and the classes of all targets."""
        return find_form(self.predictions)

    @cached_property
    def forms(self) -> Mapping[str, Form]:
        """The task, and the classes of each target."""
        return {
            str(target): find_form(rows)
            for target, rows in self.predictions.groupby("target", sort=False)
        }

    @cached_property
    def seeds(self) -> pd.DataFrame:
        """Rows of ``seeds.csv``; none where there is one seed."""
        return tabulate_seeds(self.predictions, dataset=self.dataset)

    @cached_property
    def gaps(self) -> list[Gap]:
        """What lies between published and honest scores, taken apart."""
        return list_gaps(self.predictions, self.leakage["parts"])

    @cached_property
    def over_priors(self) -> pd.DataFrame:
        """By how much learners exceed the prior of an honest protocol."""
        return tabulate_over_priors(
            self.predictions, dataset=self.dataset, sharing=sharing_of(self.leakage)
        )

    @cached_property
    def folds(self) -> Mapping[ScoreKey, Sequence[Mapping[str, Any]]]:
        """What was counted in the folds of every part."""
        return {
            ScoreKey(*(str(part[name]) for name in KEY_COLUMNS)): part["folds"]
            for part in self.leakage["parts"]
        }

    @cached_property
    def parts(self) -> Mapping[ScoreKey, pd.DataFrame]:
        """The predictions of every part, in the order in which parts are shown."""
        columns = list(KEY_COLUMNS)
        found = {
            ScoreKey(*map(str, key)): part
            for key, part in self.predictions.groupby(columns, sort=False)
        }
        orders = [self.protocols, self.targets, self.streams, self.learners]
        return {
            part: found[part]
            for part in sorted(
                found,
                key=lambda part: [
                    order.index(name) for order, name in zip(orders, part, strict=True)
                ],
            )
        }

    @cached_property
    def protocols(self) -> list[str]:
        """Names of the protocols: published ones, controls, honest ones."""
        kinds = ("published", "control", "honest")
        known = sorted(PROTOCOLS, key=lambda name: kinds.index(PROTOCOLS[name].kind))
        return order_names(self.predictions["protocol"], known)

    @cached_property
    def targets(self) -> list[str]:
        """Names of the targets."""
        return order_names(self.predictions["target"], Target)

    @cached_property
    def streams(self) -> list[str]:
        """Names of the stream sets, single streams first."""
        return order_names(self.predictions["streams"], STREAM_SETS)

    @cached_property
    def learners(self) -> list[str]:
        """Names of the learners; those that see no signal come last."""
        names = order_names(self.predictions["learner"], ("network",))
        priors = [prior for prior in PRIORS if prior in names]
        return [name for name in names if name not in priors] + priors

    @cached_property
    def sharing(self) -> Mapping[ScoreKey, tuple[str, str]]:
        """What a part leaks and shares, as in ``scores.csv``."""
        columns = [*KEY_COLUMNS, "leaks", "shares"]
        rows = self.scores[columns].drop_duplicates()
        return {
            ScoreKey(*row[:4]): (str(row[4]), str(row[5]))
            for row in rows.itertuples(index=False, name=None)
        }

    @cached_property
    def subject_scores(self) -> pd.DataFrame:
        """Every subject's trial-level scores, one row a part and subject."""
        return pd.concat(
            [
                score_subjects(part, "trial").assign(**key._asdict())
                for key, part in self.parts.items()
            ],
            ignore_index=True,
        )

    @cached_property
    def history(self) -> pd.DataFrame:
        """Losses by epoch of every fit; empty where nothing was trained."""
        histories = [run.history for run in self.runs if len(run.history)]
        if not histories:
            return pd.DataFrame(columns=list(KEY_COLUMNS))
        return pd.concat(histories, ignore_index=True)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row a trial: what its video gave."""
        return _join([run.trials for run in self.runs], columns_of("trial"))

    @cached_property
    def recordings(self) -> pd.DataFrame:
        """One row a raw recording: what cleaning did; no row where none was raw."""
        return _join([run.recordings for run in self.runs], columns_of("recording"))

    @cached_property
    def spectra(self) -> pd.DataFrame:
        """Spectra of raw recordings before and after cleaning."""
        return _join(
            [run.spectra for run in self.runs], ["subject", "recording", "frequency_hz"]
        )

    @property
    def excerpt(self) -> CleaningExcerpt | None:
        """Seconds before and after cleaning, of the first run that has some."""
        return next((run.excerpt for run in self.runs if run.excerpt), None)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the first run with epochs, whose recipe is that of all."""
        with_epochs = (run for run in self.runs if len(run.history))
        return next(with_epochs, self.runs[0]).settings

    def leaks_of(self, protocol: str, streams: str = "") -> str:
        """Return all that any part of a protocol leaks, ``+``-joined, or ``none``.

        Parameters
        ----------
        streams : str
            Only parts of this stream set; empty takes all.
        """
        return _join_sharing(
            leaks
            for part, (leaks, _) in self.sharing.items()
            if part.protocol == protocol and streams in ("", part.streams)
        )

    def shares_of(self, protocol: str) -> str:
        """Return all that any part of a protocol shares, ``+``-joined, or ``none``."""
        return _join_sharing(
            shares
            for part, (_, shares) in self.sharing.items()
            if part.protocol == protocol
        )


def list_clip_labelled(study: Study) -> list[str]:
    """Return the targets of which each clip has one label for all subjects.

    Where subjects share no clip, a clip says no more than its trial.
    """
    found = []
    for target, rows in study.predictions.groupby("target", sort=False):
        truth = study.forms[str(target)].truth
        trials = rows.drop_duplicates(columns_of("trial")).groupby("stimulus")
        is_same = (trials[truth].nunique() == 1).all()
        is_shared = (trials["subject"].nunique() > 1).any()
        if is_same and is_shared and rows[truth].nunique() > 1:
            found.append(str(target))
    return order_names(found, study.targets)


def gather_runs(paths: Sequence[Path]) -> list[list[Run]]:
    """Read runs and gather those of one data set and one recipe.

    Raises
    ------
    UserError
        When there is no run, one cannot be read, or two hold the same scores.
    """
    if not paths:
        raise UserError("report: no run was named")
    runs = [open_run(path) for path in paths]
    check_repeats([(run, _find_place(run)) for run in runs])
    recipes: dict[tuple[str, str], list[int]] = {}
    # a run without epochs has no recipe of its own, and joins one that has
    for place in sorted(range(len(runs)), key=lambda n: not len(runs[n].history)):
        question, recipe = _name_recipe(runs[place])
        if not len(runs[place].history):
            recipe = next((own for asked, own in recipes if asked == question), "")
        recipes.setdefault((question, recipe), []).append(place)
    places = sorted(sorted(held) for held in recipes.values())
    return [[runs[place] for place in held] for held in places]


def _find_place(run: Run) -> Place:
    """Return what sets the scores of a run apart from those of others."""
    task = find_form(run.predictions).task
    return str(run.settings["dataset"]), name_control(run), task


def order_names(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return distinct names in the order of ``known``, then the unknown sorted.

    Examples
    --------
    >>> order_names(["b", "z", "a", "b"], ["b", "a"])
    ['b', 'a', 'z']
    """
    there = {str(name) for name in names}
    first = [str(name) for name in known if name in there]
    return first + sorted(there.difference(first))


def make_study(
    runs: Sequence[Run],
    *,
    group: Sequence[str] = (),
    people: People | None = None,
) -> Study:
    """Score runs of one recipe.

    Parameters
    ----------
    runs : sequence of Run
        At least one.
    group : sequence of str
        Columns of trials by whose values people are scored apart.
    people : People, optional
        A table with further such columns.

    Raises
    ------
    UserError
        When there are only runs of controls.
    """
    controls = [run for run in runs if name_control(run) != NO_CONTROL]
    runs = [run for run in runs if name_control(run) == NO_CONTROL]
    if not runs:
        raise UserError(
            f"{controls[0].path}: a run of a control is shown beside the run that it "
            "controls, of the same store and settings; name that one too"
        )
    runs = drop_repeats(runs)
    predictions = join_tables([run.predictions for run in runs])
    notes = dict.fromkeys(note for run in runs for note in run.leakage["notes"])
    leakage = {
        "notes": list(notes),
        "parts": [part for run in runs for part in run.leakage["parts"]],
    }
    dataset = str(runs[0].settings["dataset"])
    scores = tabulate_scores(
        predictions,
        dataset=dataset,
        sharing=sharing_of(leakage),
        n_train=training_sizes_of(leakage),
        permutations=_join([run.permutations for run in runs], _PERMUTATION),
        controls=_CONTROLS,
    )
    tables = [_score_control(run, dataset=dataset) for run in controls]
    return Study(
        dataset,
        tuple(runs),
        predictions,
        leakage,
        scores,
        join_tables(tables)
        if tables
        else pd.DataFrame(columns=[*SCORE_COLUMNS, "control"]),
        tuple(dict.fromkeys(group)),
        people,
    )


def name_control(run: Run) -> str:
    """Return what was taken away from a run, or ``NO_CONTROL``."""
    return str(run.settings["evaluate"].get("control", NO_CONTROL))


def _score_control(run: Run, *, dataset: str) -> pd.DataFrame:
    return tabulate_scores(
        run.predictions,
        dataset=dataset,
        sharing=sharing_of(run.leakage),
        n_train=training_sizes_of(run.leakage),
        permutations=run.permutations,
        controls=_CONTROLS,
    ).assign(control=name_control(run))


def _name_recipe(run: Run) -> tuple[str, str]:
    """Return digests of what every learner is asked, and of how networks are made."""
    evaluated = run.settings["evaluate"]
    network = evaluated["network"]
    asked = [
        run.settings["dataset"],
        run.settings["store_digest"],
        find_form(run.predictions).task,
        evaluated["label_rule"],
        {name: network.get(name) for name in _OF_ALL_LEARNERS},
    ]
    return digest(asked), digest([evaluated["recipe"], network])


_OF_ALL_LEARNERS = ("scale", "class_weight", "normalise")
"""Settings of ``network`` that learners without epochs read too."""


def join_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one below the other, where only some may have ``trained_with``."""
    whole = pd.concat(tables, ignore_index=True)
    if TRAINED_WITH in whole:
        whole[TRAINED_WITH] = whole[TRAINED_WITH].fillna("")
    return whole


def _join(tables: Sequence[pd.DataFrame], identity: Sequence[str]) -> pd.DataFrame:
    """Put runs' tables together; runs of one store hold the same rows."""
    held = [table for table in tables if len(table)] or tables[:1]
    whole = pd.concat(held, ignore_index=True)
    return whole.drop_duplicates(list(identity), ignore_index=True)


def _join_sharing(values: Iterable[str]) -> str:
    names = dict.fromkeys(name for value in values for name in value.split("+"))
    names.pop(NO_LEAK, None)
    return "+".join(names) or NO_LEAK
