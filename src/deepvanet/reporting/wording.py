"""The words of a page that hang on the task, and how its numbers are written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from deepvanet.gap import name_metric
from deepvanet.metrics import (
    HIGH_LOW,
    LEAST_RATINGS,
    LEAST_TRIALS,
    METRIC_RECORDS,
    TASK_SCORES,
    Form,
    MetricRecord,
)

MISSING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Wording:
    """What a page says of one task.

    Attributes
    ----------
    form : Form
        Of all targets of a study.
    """

    form: Form

    @property
    def metric(self) -> str:
        """The headline metric, inside a sentence."""
        return name_metric(self.form.headline)

    @property
    def title(self) -> str:
        """The headline metric, at the beginning."""
        return METRIC_RECORDS[self.form.headline].title

    @property
    def is_share(self) -> bool:
        """Whether scores are written in percent, and differences in points."""
        return METRIC_RECORDS[self.form.headline].is_share

    @property
    def unit(self) -> str:
        """What stands behind a score."""
        return " %" if self.is_share else ""

    @property
    def head(self) -> str:
        """Heads a column of scores."""
        return f"{self.title} (%)" if self.is_share else self.title

    @property
    def difference(self) -> str:
        """Heads a column of differences."""
        return "Points" if self.is_share else "Difference"

    @property
    def columns(self) -> Sequence[tuple[str, str]]:
        """The metrics of a table, and their heads; pooled ones stand below others."""
        return [
            (name, self._head(name))
            for name in self.form.metrics
            if not METRIC_RECORDS[name].is_pooled
        ]

    @staticmethod
    def _head(metric: str) -> str:
        record = METRIC_RECORDS[metric]
        return f"{record.title} (%)" if record.is_share else record.title

    @property
    def table(self) -> str:
        """Say how a table of scores is read."""
        if self.form.moves:
            return (
                "Mean ± standard deviation over subjects, of whom each has the mean of "
                "its trials, scored over their courses; below it the 95 % interval, "
                "and the same metric over all moments of all trials (“pooled”), where "
                "knowing the means of trials is enough for a CCC above 0. RMSE and MAE "
                "are in the unit of the rating. A second, smaller number of subjects "
                "counts those with a trial whose rating moves."
            )
        if self.form.is_rating:
            return (
                "Mean ± standard deviation over subjects, each scored over its own "
                "trials; below it the 95 % interval, and the same metric over all "
                "trials of all subjects (“pooled”), where knowing the subjects' means "
                "is enough for a CCC above 0. RMSE and MAE are in the unit of the "
                "rating. A second, smaller number of subjects counts those with at "
                f"least {LEAST_TRIALS} trials and {LEAST_RATINGS} different ratings: "
                "only these have scores of their own."
            )
        enough = (
            "with both classes"
            if len(self.form.classes) == 2
            else "with at least two classes"
        )
        return (
            "Mean ± standard deviation over subjects, in per cent (MCC from "
            "\N{MINUS SIGN}1 to 1); below it the 95 % interval. Where each person has "
            "one label, the score is one over people, without a deviation. A second, "
            f"smaller number of subjects counts those {enough}, only these have the "
            "other four metrics."
        )

    @property
    def unscored(self) -> str:
        """Say which subjects have no dot."""
        if self.form.moves:
            return "A subject whose ratings never move has no CCC and no dot."
        if self.form.is_rating:
            return (
                f"A subject with fewer than {LEAST_TRIALS} trials or {LEAST_RATINGS} "
                "different ratings has no CCC and no dot."
            )
        return "A subject with one class has no balanced accuracy and no dot."

    @property
    def calibration(self) -> str:
        """Say what is plotted of probabilities."""
        if self.form.task == HIGH_LOW:
            return "Of the segments with a score of 70 %, seven in ten should be high"
        return (
            "Of the segments that are given a class with a probability of 70 %, seven "
            "in ten should be of it; the probabilities of all classes are together"
        )

    @property
    def guessing(self) -> str:
        """Say what the dotted line of learning curves is, or nothing."""
        if self.form.is_rating:
            return ""
        if self.form.task == HIGH_LOW:
            return "The dotted line is what a score of 50 % for everything costs, ln 2."
        n_classes = len(self.form.classes)
        return (
            "The dotted line is what equal probabilities for everything cost, "
            f"ln {n_classes}."
        )

    @property
    def trials(self) -> str:
        """Say what is predicted of a trial."""
        if self.form.task == HIGH_LOW:
            return (
                "The mean score of a trial's segments is the trial's score; above 50 % "
                "it is predicted high."
            )
        if self.form.moves:
            return (
                "A trial is scored over its course: each segment is one moment, and "
                "stands for what was rated a lag later."
            )
        if self.form.is_rating:
            return (
                "The mean number that a trial's segments are given is that of the "
                "trial."
            )
        return (
            "The mean probabilities of a trial's segments are those of the trial; the "
            "most probable class is predicted."
        )

    @property
    def priors(self) -> str:
        """Say what priors predict."""
        rate, same = "shares of the classes", "those"
        if self.form.is_rating:
            rate, same = "mean rating", "that"
        if self.form.moves:
            return (
                "<em>majority</em> gives the mean rating of the training rows, "
                "<em>subject-prior</em> that of the subject, <em>stimulus-prior</em> "
                "what others rated at that moment of the clip, <em>additive-prior</em> "
                "both added up, <em>last-value</em> what was rated when training on "
                "that trial ended. Where training has nothing of the kind, the mean of "
                "all training rows is given."
            )
        if self.form.task == HIGH_LOW:
            return (
                "<em>majority</em> gives the base rate of the training rows, "
                "<em>subject-prior</em> the subject's own rate, <em>stimulus-prior</em>"
                " the clip's, <em>additive-prior</em> both. A subject or clip that is "
                "not in training gets the base rate."
            )
        return (
            f"<em>majority</em> gives the {rate} of the training rows, "
            f"<em>subject-prior</em> {same} of the subject, <em>stimulus-prior</em> "
            f"{same} of the clip, <em>additive-prior</em> both added up. A subject or "
            f"clip that is not in training gets {same} of all training rows."
        )

    def write(self, value: float) -> str:
        """Write a score, in percent where that is usual.

        Examples
        --------
        >>> Wording(Form("rating")).write(0.25), Wording(Form(HIGH_LOW)).write(0.25)
        ('0.250', '25.0')
        """
        return self.write_metric(self.form.headline, value)

    def write_metric(self, metric: str, value: float) -> str:
        """Write a score of any metric; the sign of percent stands in its head.

        Examples
        --------
        >>> words = Wording(Form(HIGH_LOW))
        >>> words.write_metric("auroc", 0.25), words.write_metric("mcc", -0.25)
        ('25.0', '−0.250')
        """
        if not isfinite(value):
            return MISSING
        is_share = METRIC_RECORDS[metric].is_share
        text = f"{100 * value:.1f}" if is_share else f"{value:.3f}"
        return text.replace("-", _MINUS)

    def write_change(self, value: float) -> str:
        """Write a difference of two scores, with its sign.

        Examples
        --------
        >>> Wording(Form("rating")).write_change(0.042)
        '+0.042'
        """
        if not isfinite(value):
            return MISSING
        value = round(value, 3) + 0.0  # no minus before zero
        text = f"{100 * value:+.1f}" if self.is_share else f"{value:+.3f}"
        return text.replace("-", _MINUS)


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


def list_words(forms: Iterable[Form]) -> list[tuple[str, str]]:
    """Return what the metrics of some tasks are, by their titles."""
    tasks = dict.fromkeys(form.task for form in forms)
    words: dict[str, str] = {}
    for task in tasks:
        for name in TASK_SCORES[task].metrics:
            record = METRIC_RECORDS[name]
            said = _SAID_OF_HIGH_LOW.get(name) if task == HIGH_LOW else None
            words.setdefault(record.title, said or _say(record))
    return list(words.items())


def _say(record: MetricRecord) -> str:
    chance, ends = record.chance, ""
    if chance is not None:
        number = f"{100 * chance:g} %" if record.is_share else f"{chance:g}"
        ends = f"; {number} is chance"
        if chance < 0:
            ends = "; one in so many classes is chance"
    return f"{record.says[0].upper()}{record.says[1:]}{ends}."


_SAID_OF_HIGH_LOW = {
    "accuracy": "Fraction predicted right. Always naming the commoner class is right "
    "as often as that class occurs; see the prior “majority”.",
    "balanced_accuracy": "Mean of the fractions right among high and among low. A "
    "guess that does not depend on the row scores 50 %, or a little less under "
    "cross-validation with balanced folds: the class that a fold tests more of is the "
    "one that it trained on less, and so the one that it does not name.",
    "macro_f1": "Mean of the F1 of both classes.",
    "mcc": "Matthews correlation of label and prediction: 0 is chance, 1 is perfect.",
    "auroc": "How often a high one scores above a low one, among pairs scored by the "
    "same fitted model: 50 % is chance.",
}
