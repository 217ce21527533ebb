"""What the paper published, in per cent as printed.

Zhang, Hossain, Rahman (2021). DeepVANet: a deep end-to-end network for multi-modal
emotion recognition. INTERACT 2021. https://doi.org/10.1007/978-3-030-85613-7_16

Numbers are those of Table 2 and of the text. The text has none for the bars of Fig. 2,
so that of the seven stream sets only ``face+bio`` with feature-level fusion, which
Table 2 has too, can be compared. A name that the paper misspells, twice, is put right
(Koelstra).
"""

from dataclasses import dataclass

from deepvanet.schema import Target

DATASETS = {"deap": "DEAP", "mahnob": "MAHNOB-HCI"}
"""The paper's data sets: the options that take a store, and their names."""

INTER, PER = "inter-subject", "per-subject"
"""The paper's two experiments: one model of all subjects, or one for each."""

THIS_WORK = "This work"

GRID = (16, 32, 64, 128, 256)
"""Candidates for both lengths of features (section 3, validation strategy)."""

CHOSEN = (16, 64)
"""The lengths that the paper chose, face and bio."""

CLAIMS = (
    "EEG is more salient than peripheral signals, and both together better than either",
    "several modalities do better than any single one",
    "feature-level fusion does better than decision-level fusion in most cases",
)
"""What the paper reads from Fig. 2 (section 3.1, ablation study)."""


@dataclass(frozen=True)
class PublishedRow:
    """A row of Table 2.

    Attributes
    ----------
    study : str
        With the number of the paper's reference.
    valence, arousal : float
        Accuracy in per cent.
    """

    dataset: str
    experiment: str
    study: str
    modalities: str
    valence: float
    arousal: float

    def of(self, target: str) -> float:
        """Return the accuracy of a target."""
        return self.valence if target == Target.VALENCE else self.arousal


_BIO = "EEG, Peripheral"
_ALL = "Face, EEG, Peripheral"

TABLE_2 = (
    PublishedRow("deap", INTER, "Siddharth et al. [28]", _ALL, 79.52, 78.34),
    PublishedRow("deap", INTER, "Tang et al. [30]", _BIO, 83.82, 83.23),
    PublishedRow("deap", INTER, THIS_WORK, _ALL, 95.56, 95.33),
    PublishedRow("deap", PER, "Koelstra et al. [17]", _BIO, 62.70, 62.00),
    PublishedRow("deap", PER, "Huang et al. [12]", "Face, EEG", 80.30, 74.23),
    PublishedRow("deap", PER, "Liu et al. [22]", _BIO, 85.20, 80.50),
    PublishedRow("deap", PER, "Alhagry et al. [1]", "EEG", 85.65, 85.45),
    PublishedRow("deap", PER, "Yang et al. [36]", "EEG", 90.80, 91.03),
    PublishedRow("deap", PER, "Anubhav et al. [2]", "EEG", 94.69, 93.13),
    PublishedRow("deap", PER, THIS_WORK, _ALL, 98.56, 98.18),
    PublishedRow("mahnob", INTER, "Soleymani et al. [29]", _BIO, 57.00, 52.40),
    PublishedRow("mahnob", INTER, "Wiem and Lachiri [33]", _BIO, 68.75, 64.23),
    PublishedRow("mahnob", INTER, "Siddharth et al. [28]", _ALL, 85.49, 82.93),
    PublishedRow("mahnob", INTER, THIS_WORK, _ALL, 96.82, 97.79),
    PublishedRow("mahnob", PER, "Koelstra et al. [18]", "Face, EEG", 74.00, 70.00),
    PublishedRow("mahnob", PER, "Huang et al. [12]", "Face, EEG", 75.21, 75.63),
    PublishedRow("mahnob", PER, THIS_WORK, _ALL, 99.19, 99.22),
)
"""Table 2, from top to bottom."""


def find_this_work(dataset: str, experiment: str) -> PublishedRow:
    """Return what Table 2 says of the paper's own network.

    Examples
    --------
    >>> find_this_work("deap", PER).valence
    98.56
    """
    return next(
        row
        for row in TABLE_2
        if (row.dataset, row.experiment, row.study) == (dataset, experiment, THIS_WORK)
    )
