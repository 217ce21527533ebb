"""The eleven systems that the paper's Table 2 compares with, as learners.

A record says what is known of a system, each fact with where it was found, and what had
to be chosen here. The learner of a record is a module of :mod:`deepvanet.systems`. One
whose name starts with ``after-`` is built from less than 70 % of the published method.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tag = Literal[
    "paper", "abstract", "code", "third-party", "memory", "inferred", "choice"
]
"""Where a fact is from: the full text; the abstract or first page; the authors' code;
code or notes of others; from memory, not checked; reasoned here; chosen here."""

ASSUMED: tuple[Tag, ...] = ("third-party", "memory", "inferred", "choice")
"""Tags of what no text or code of the authors says."""


@dataclass(frozen=True)
class Fact:
    """One thing about a system, and where it is from."""

    text: str
    tag: Tag


@dataclass(frozen=True)
class SystemRecord:
    """A system of Table 2.

    Attributes
    ----------
    learner : str
        Name in ``LEARNERS``.
    study : str
        As Table 2 prints it, with the number of the paper's reference.
    reference : str
        Authors, year, title, where it appeared.
    share : int
        Per cent of the published method that is built here: a judgement.
    streams : str
        The stream set that it reads in our table.
    authors_protocol : str
        The protocol of ours that is nearest to theirs.
    authors_folds : int | None
        Folds of it; None: as many as the protocol takes.
    authors_unit : str
        What was one example.
    protocol_tag : str
        Where the protocol is from.
    authors_segment : float
        Length in seconds of the segments that their protocol divides into folds.
    authors_baseline : str | None
        What was subtracted from signals; None: what is usual here.
    measured_on : str
        What the published number was measured on.
    leak : str
        What training and test shared, as far as it is known.
    facts : tuple of Fact
        What was taken from sources, and what was chosen.
    footnote : str
        What is wrong with the row that the paper prints.
    """

    learner: str
    study: str
    reference: str
    share: int
    streams: str
    authors_protocol: str
    authors_folds: int | None
    authors_unit: str
    protocol_tag: Tag
    measured_on: str
    leak: str
    facts: tuple[Fact, ...] = ()
    footnote: str = ""
    authors_segment: float = 1.0
    authors_baseline: Literal["mean", "waveform", "none"] | None = None

    @property
    def is_after(self) -> bool:
        """Whether too little is known for it to have the system's name."""
        return self.learner.startswith("after-")

    @property
    def level(self) -> Literal["segment", "trial"]:
        """What was one example to them, as ``scores.csv`` calls it."""
        return "trial" if "trial" in self.authors_unit else "segment"

    @property
    def is_assumed(self) -> bool:
        """Whether no text or code of the authors says what their protocol was."""
        return self.protocol_tag in ASSUMED


_LIST = (
    SystemRecord(
        learner="koelstra2012",
        study="Koelstra et al. [17]",
        reference=(
            "Koelstra et al. (2012). DEAP: a database for emotion analysis using "
            "physiological signals. IEEE Transactions on Affective Computing 3(1), "
            "18-31."
        ),
        share=85,
        streams="bio",
        authors_protocol="trial",
        authors_folds=40,
        authors_unit="trial",
        protocol_tag="paper",
        measured_on=(
            "DEAP, 32 subjects x 40 trials, one video left out within a subject; mean "
            "over subjects"
        ),
        leak="none of trials; the threshold of J was found on the same data",
        facts=(
            Fact(
                "32 subjects x 40 clips of a minute, within subjects; a rating is "
                "high above the middle of the scale",
                "paper",
            ),
            Fact(
                "log power of 32 channels in theta 4-8, slow alpha 8-10, alpha "
                "8-12, beta 12-30 and gamma from 30 Hz, and the difference of 14 "
                "symmetric pairs in theta, alpha, beta and gamma: 216 features of "
                "EEG",
                "paper",
            ),
            Fact(
                "106 peripheral features of GSR, plethysmograph, respiration, "
                "temperature, EMG and EOG",
                "paper",
            ),
            Fact(
                "features with Fisher's J above 0.3 in the training part are kept",
                "paper",
            ),
            Fact(
                "Gaussian naive Bayes with class priors, a classifier a modality",
                "paper",
            ),
            Fact(
                "both modalities: the product of posteriors to the power of weights"
                " that sum to 1, in steps of 0.01, best on training data",
                "paper",
            ),
            Fact(
                "one video left out within a subject; accuracy and the mean F1 of "
                "both classes, mean over subjects",
                "paper",
            ),
            Fact(
                "in TEAP, by some of the authors: intervals between beats outside "
                "0.25 to 1.5 s are left out, bands are half open",
                "code",
            ),
            Fact(
                "the features that are listed come to 69; what the others were is "
                "not known",
                "inferred",
            ),
            Fact(
                "the power is Welch's in windows of a second that overlap by half, "
                "as in the authors' study of correlations",
                "choice",
            ),
            Fact(
                "all of what is handed in of a trial is measured, as it was "
                "prepared: 60 s of DEAP, gamma to 45 Hz",
                "choice",
            ),
            Fact(
                "a straight line is removed before spectra of slow signals, in "
                "place of a moving average of a second: that would take away what "
                "lies below 0.4 Hz",
                "choice",
            ),
            Fact(
                "powers of peripheral signals are logarithms, and what is counted "
                "is given for a minute",
                "choice",
            ),
            Fact(
                "the variability of the heart is the difference of neighbouring "
                "intervals: the mean of its size, and its deviation",
                "choice",
            ),
            Fact(
                "beats, breaths and blinks are found by NeuroKit2; an ECG takes the"
                " place of a plethysmograph",
                "choice",
            ),
            Fact(
                "a band needs two cycles of its lower edge, at most 25 s; a feature"
                " is missing where the trial is shorter",
                "choice",
            ),
            Fact(
                "features are brought to mean 0 and deviation 1 on training rows "
                "before J, which has a unit in it",
                "choice",
            ),
            Fact(
                "where no feature passes, the one with the largest J is read; of "
                "several classes J is the largest of any two",
                "choice",
            ),
            Fact(
                "the weight is the one with the largest mean F1 on training rows, "
                "of equals the nearest to one half",
                "choice",
            ),
            Fact(
                "classes weigh as --class-weight says: with balanced their priors "
                "are equal",
                "choice",
            ),
        ),
        footnote=(
            "62.70 is valence by peripheral signals alone and 62.00 arousal by EEG "
            "alone, not a fused system; always answering with the larger class has "
            "58.6 and 64.4"
        ),
    ),
    SystemRecord(
        learner="soleymani2012",
        study="Soleymani et al. [29]",
        reference=(
            "Soleymani, Pantic and Pun (2012). Multimodal emotion recognition in "
            "response to videos. IEEE Transactions on Affective Computing 3(2), "
            "211-223."
        ),
        share=70,
        streams="bio",
        authors_protocol="subject",
        authors_folds=None,
        authors_unit="trial",
        protocol_tag="memory",
        measured_on=(
            "MAHNOB-HCI, 24 participants x 20 trials, one participant left out; three "
            "classes from the keyword that was reported"
        ),
        leak="features were scaled within each participant, the one left out too",
        facts=(
            Fact(
                "24 participants x 20 clips of 35 to 117 s; EEG, ECG, GSR, "
                "respiration, temperature",
                "memory",
            ),
            Fact(
                "Welch in windows of 15 s that overlap by half; log power in theta,"
                " slow alpha, alpha, beta and gamma, and 14 differences of the "
                "sides in four of them: 216 features",
                "memory",
            ),
            Fact(
                "the same bands, half open, and windows in the first author's own "
                "function in TEAP",
                "code",
            ),
            Fact("about 102 peripheral features", "memory"),
            Fact(
                "features with p below 0.05 in a one-way analysis of variance on "
                "training rows are kept",
                "memory",
            ),
            Fact(
                "an SVM with an RBF kernel, C and gamma by a grid on inner folds, "
                "with probabilities",
                "memory",
            ),
            Fact("modalities are fused by the sum of class probabilities", "memory"),
            Fact(
                "each feature is scaled to 0 to 1 within each participant, the one "
                "left out too: only with soleymani2012:as-published",
                "memory",
            ),
            Fact("one participant is left out", "memory"),
            Fact("three classes from the keyword that was reported", "memory"),
            Fact(
                "two classes by rating, or any other task that is asked for, in "
                "place of keywords",
                "choice",
            ),
            Fact(
                "the 39 peripheral features of TEAP stand for those of the text",
                "choice",
            ),
            Fact("EEG and peripheral signals are fused; gaze is left out", "choice"),
            Fact(
                "the entropy at five scales is that of the intervals between beats,"
                " four times a second",
                "choice",
            ),
            Fact(
                "features are scaled to mean 0 and deviation 1 by training rows "
                "unless as-published is asked for",
                "choice",
            ),
            Fact(
                "C from 2^-5 to 2^15 and gamma from 2^-15 to 2^3, five values each "
                "(three with --size small), by the share of errors",
                "choice",
            ),
            Fact(
                "3 inner folds that keep the protocol's unit whole; features are "
                "chosen again within each",
                "choice",
            ),
            Fact(
                "probabilities by a logistic curve on distances of inner folds",
                "choice",
            ),
            Fact(
                "where no feature passes, the one with the least p is read; of a "
                "rating the test is that of a straight line, and the machine a "
                "support vector regression",
                "choice",
            ),
        ),
        footnote=(
            "57.00 and 52.40 are EEG alone on three classes made from emotion "
            "keywords, where chance is about 33: not comparable with two classes"
        ),
    ),
    SystemRecord(
        learner="after-wiem2017",
        study="Wiem and Lachiri [33]",
        reference=(
            "Wiem and Lachiri (2017). Emotion classification in arousal valence model "
            "using MAHNOB-HCI database. International Journal of Advanced Computer "
            "Science and Applications 8(3)."
        ),
        share=45,
        streams="peripheral",
        authors_protocol="trial-pooled",
        authors_folds=10,
        authors_unit="trial",
        protocol_tag="choice",
        measured_on="MAHNOB-HCI, peripheral signals; which trials is not known",
        leak="not known; subjects and stimuli are on both sides as it is built here",
        facts=(
            Fact("ECG, respiration, skin temperature and GSR; no EEG", "abstract"),
            Fact("169 features", "abstract"),
            Fact(
                "an SVM; two and three classes by rating, and areas from keywords",
                "abstract",
            ),
            Fact("of several kernels the Gaussian one was the best", "memory"),
            Fact("24 participants, features scaled for each", "memory"),
            Fact(
                "features: what is listed of Koelstra et al. and what TEAP has, "
                "with moments of each signal and of its first and second "
                "differences: 167",
                "choice",
            ),
            Fact("a plethysmograph where there is no ECG, as in DEAP", "choice"),
            Fact("scaling by training rows", "choice"),
            Fact(
                "C from 2^-5 to 2^15 and gamma from 2^-15 to 2^3, five values each "
                "(three with --size small), by the share of errors on 3 inner folds",
                "choice",
            ),
            Fact("no filter beyond those of the store", "choice"),
            Fact("trial-pooled with 10 folds, as their split is not known", "choice"),
        ),
        footnote=(
            "the system reads ECG, respiration, skin temperature and GSR: no EEG, "
            "unlike what the table says"
        ),
    ),
    SystemRecord(
        learner="after-koelstra2013",
        study="Koelstra et al. [18]",
        reference=(
            "Koelstra and Patras (2013). Fusion of facial expressions and EEG for "
            "implicit affective tagging. Image and Vision Computing 31(2), 164-174."
        ),
        share=35,
        streams="face+eeg",
        authors_protocol="trial",
        authors_folds=10,
        authors_unit="trial",
        protocol_tag="memory",
        measured_on="MAHNOB-HCI, cross-validation within subjects over 20 trials",
        leak="none of trials, as it is built here",
        facts=(
            Fact(
                "faces and EEG of MAHNOB-HCI; classification and regression; fusion "
                "of features and of decisions",
                "memory",
            ),
            Fact(
                "action units by the authors' own detector: motion fields in "
                "regions of the face; how often and how long each is active in a "
                "trial",
                "memory",
            ),
            Fact(
                "EEG: log power in theta, alpha, beta and gamma, 14 differences "
                "between the sides",
                "memory",
            ),
            Fact(
                "features eliminated one by one or chosen by Fisher's criterion; "
                "naive Bayes or a support vector machine; cut at 5",
                "memory",
            ),
            Fact(
                "not rebuilt: the detector, which needs videos with coded action units",
                "choice",
            ),
            Fact(
                "a face by optical flow in six regions, 60 features of a trial; or "
                "fer's seven emotions; or a table of action units as the stream "
                "face-features",
                "choice",
            ),
            Fact(
                "EEG: the 216 features of koelstra2012, by Welch's windows of a second",
                "choice",
            ),
            Fact(
                "Fisher's J above 0.3 on training trials, naive Bayes a modality",
                "choice",
            ),
            Fact(
                "product of posteriors, weights in steps of 0.05 with the fewest "
                "errors on trials held out of inner folds",
                "choice",
            ),
        ),
    ),
    SystemRecord(
        learner="huang2019",
        study="Huang et al. [12]",
        reference=(
            "Huang et al. (2019). Combining facial expressions and electroencephalo"
            "graphy to enhance emotion recognition. Future Internet 11(5), 105."
        ),
        share=80,
        streams="face+eeg",
        authors_protocol="trial",
        authors_folds=None,
        authors_unit="second, the score of a trial is its mean",
        protocol_tag="code",
        measured_on=(
            "DEAP: 22 subjects, 20 random trials train and 20 test; MAHNOB-HCI: one "
            "trial of 20 left out"
        ),
        leak="none by trial",
        facts=(
            Fact(
                "face: grey, 48 x 48, less a mean image; convolutions of 32, 32 and "
                "64 maps, dropout, one pooling, a dense layer of 64",
                "code",
            ),
            Fact(
                "one sigmoid for each target, both trained together; 50 random "
                "images of a training trial; SGD 1e-4, momentum 0.9, 12 epochs, "
                "batches of 16; the first two convolutions kept",
                "code",
            ),
            Fact("the score of a trial is the mean over all its images", "code"),
            Fact(
                "EEG: 14 electrodes and three differences in five bands, 85 numbers "
                "a second, unscaled; RBF machine with C 15; the share of seconds "
                "that vote high",
                "code",
            ),
            Fact(
                "called power, but on MAHNOB-HCI the mean of the band-passed "
                "signal; which it was on DEAP is not known",
                "code",
            ),
            Fact(
                "fusion: the weight of the face with the fewest errors, of weights "
                "that are enumerated, on trials that trained the members",
                "code",
            ),
            Fact(
                "left out: the authors' AdaBoost, in which the member with the "
                "smaller training error always decides",
                "choice",
            ),
            Fact(
                "log band power by a Hann window; huang2019:as-code takes the mean "
                "of the band-passed signal",
                "choice",
            ),
            Fact(
                "weights in steps of 0.01 by scores of trials held out of inner folds",
                "choice",
            ),
            Fact(
                "convolutions pretrained on FER2013 are not ours to ship: fer's "
                "mini-Xception or the trunk of AFEW-VA by --face-weights, else "
                "fresh weights and a learning rate of 1e-2, since at 1e-4 they learnt "
                "little in 12 epochs (the loss fell to 0.64, not 0.27, on one fold of "
                "synthetic faces)",
                "choice",
            ),
            Fact(
                "the width of the machine is one by the number of features, the "
                "default of scikit-learn at the time",
                "inferred",
            ),
        ),
    ),
    SystemRecord(
        learner="liu2016",
        study="Liu et al. [22]",
        reference=(
            "Liu, Zheng and Lu (2016). Emotion recognition using multimodal deep "
            "learning. ICONIP 2016. arXiv 1602.08225."
        ),
        share=75,
        streams="bio",
        authors_protocol="paper",
        authors_folds=10,
        authors_unit="second",
        protocol_tag="memory",
        measured_on="DEAP, within subjects, seconds divided at random into 10 folds",
        leak=(
            "seconds of a trial are on both sides; in later code of the first author "
            "scaler and autoencoder see test rows, and C is chosen by test accuracy"
        ),
        facts=(
            Fact("an autoencoder started by Boltzmann machines", "abstract"),
            Fact("a layer that both modalities share", "abstract"),
            Fact(
                "three machines of one width, 20 sweeps, batches of 100, in later code "
                "for other data",
                "code",
            ),
            Fact(
                "sigmoid layers, a decoder started at the transposed weights, mean "
                "squared error, RMSprop, in that code",
                "code",
            ),
            Fact("inputs between 0 and 1, a linear machine, in that code", "code"),
            Fact(
                "in that code the scaler and the autoencoder see test rows, C is "
                "chosen by test accuracy and all widths and epochs are kept; "
                "as-published has the scaler alone",
                "code",
            ),
            Fact("all channels of a second joined", "third-party"),
            Fact("raw samples, no entropy, for DEAP", "memory"),
            Fact("seconds divided into 10 folds", "memory"),
            Fact("width 200, 100 epochs, C 1", "choice"),
            Fact(
                "contrastive divergence of one step at 0.1, RMSprop at 0.001, the "
                "error of each modality counts alike, the shared layer at unit "
                "variance",
                "choice",
            ),
            Fact("at most 10,000 rows train, evenly over trials", "choice"),
            Fact("all but as-published is fitted on training rows alone", "choice"),
        ),
    ),
    SystemRecord(
        learner="alhagry2017",
        study="Alhagry et al. [1]",
        reference=(
            "Alhagry, Fahmy and El-Khoribi (2017). Emotion recognition based on EEG "
            "using LSTM recurrent neural network. International Journal of Advanced "
            "Computer Science and Applications 8(10)."
        ),
        share=75,
        streams="eeg",
        authors_protocol="paper",
        authors_folds=4,
        authors_unit="5 s",
        protocol_tag="memory",
        measured_on="DEAP, within subjects, 4 folds",
        leak="pieces of a trial are very likely on both sides",
        footnote=(
            "printed the wrong way round: the abstract has valence 85.45 and arousal "
            "85.65"
        ),
        authors_segment=5.0,
        facts=(
            Fact("an LSTM on raw EEG, then a dense layer", "abstract"),
            Fact("within subjects, 4 folds", "memory"),
            Fact(
                "LSTMs of 64 and 32 units with ReLU and sigmoid behind them, a dropout "
                "of 0.2, RMSprop at 0.001",
                "third-party",
            ),
            Fact("pieces of 5.25 s with the rest in the first ones", "third-party"),
            Fact("pieces of five seconds of the clip alone", "choice"),
            Fact(
                "channels by median and interquartile range, batches of 32, 100 "
                "epochs, the epoch by validation trials",
                "choice",
            ),
        ),
    ),
    SystemRecord(
        learner="yang2018",
        study="Yang et al. [36]",
        reference=(
            "Yang, Wu, Qiu, Wang and Chen (2018). Emotion recognition from multi-"
            "channel EEG through parallel convolutional recurrent neural network. "
            "IJCNN 2018."
        ),
        share=95,
        streams="eeg",
        authors_protocol="paper",
        authors_folds=10,
        authors_unit="second",
        protocol_tag="code",
        measured_on="DEAP, 32 subjects, seconds divided at random into 10 folds",
        leak=(
            "seconds of a trial are on both sides, each with the waveform of its "
            "baseline subtracted; the first second of a trial is there twice"
        ),
        authors_baseline="waveform",
        facts=(
            Fact(
                "frames of 9 x 9 cells, each time point scaled over its electrodes",
                "code",
            ),
            Fact(
                "convolutions of 4 x 4 with 32, 64 and 128 maps, stacked and reduced "
                "to 13; two LSTMs of 32; dense layers of 1024",
                "code",
            ),
            Fact("batch normalisation that is the identity", "code"),
            Fact(
                "cross-entropy with a penalty of 0.5 on all weights and biases, Adam "
                "at 0.0001 throughout, batches of 200, 70 epochs",
                "code",
            ),
            Fact("start at 0.1, for weights a deviation and for biases", "code"),
            Fact("592,937 weights without normalisation", "inferred"),
            Fact(
                "scale and shift behind each of four convolutions, ELU behind the "
                "last; the LSTMs start as all else",
                "choice",
            ),
            Fact("electrodes by name, cells without one are zero", "choice"),
            Fact("the first second of a trial is not there twice", "choice"),
            Fact("the epoch as the protocol says", "choice"),
        ),
    ),
    SystemRecord(
        learner="after-anubhav2020",
        study="Anubhav et al. [2]",
        reference=(
            "Anubhav, Nath, Singh, Sethia, Kalra and Indu (2020). An efficient "
            "approach to EEG-based emotion recognition using LSTM network. CSPA 2020, "
            "88-92."
        ),
        share=40,
        streams="eeg",
        authors_protocol="trial",
        authors_folds=4,
        authors_unit="trial",
        protocol_tag="inferred",
        measured_on="DEAP, within subjects, very likely 10 test trials of 40",
        leak="not known; whether the epoch was chosen on test trials is not said",
        facts=(
            Fact("an LSTM, band power, one subject at a time", "abstract"),
            Fact("10 test trials in each of 32 subjects, one split", "inferred"),
            Fact(
                "log power of 4-8, 8-12, 12-30 and 30-45 Hz, a trial as a sequence of "
                "seconds",
                "choice",
            ),
            Fact(
                "LSTM 128, dropout 0.3, LSTM 64, dense 32, Adam at 0.001, batches of "
                "8, 100 epochs, the epoch by validation trials",
                "choice",
            ),
        ),
    ),
    SystemRecord(
        learner="after-tang2017",
        study="Tang et al. [30]",
        reference=(
            "Tang, Liu, Zheng and Lu (2017). Multimodal emotion recognition using deep "
            "neural networks. ICONIP 2017."
        ),
        share=40,
        streams="bio",
        authors_protocol="paper-pooled",
        authors_folds=10,
        authors_unit="second, with those before it",
        protocol_tag="memory",
        measured_on="DEAP; the split is not known",
        leak="windows of neighbours are very likely on both sides",
        facts=(
            Fact("a bimodal LSTM, EEG and peripheral signals of DEAP", "abstract"),
            Fact(
                "an LSTM a modality, their last states joined; entropy in four bands",
                "memory",
            ),
            Fact(
                "features of this package, ten seconds that end with the one scored",
                "choice",
            ),
            Fact(
                "LSTMs of 64, dropout 0.5, dense 64, Adam at 0.001, batches of 64, 50 "
                "epochs, the epoch by validation trials",
                "choice",
            ),
        ),
    ),
    SystemRecord(
        learner="after-siddharth2019",
        study="Siddharth et al. [28]",
        reference=(
            "Siddharth, Jung and Sejnowski (2019). Utilizing deep learning towards "
            "multi-modal bio-sensing and vision-based affective computing. IEEE "
            "Transactions on Affective Computing. arXiv 1905.07039."
        ),
        share=35,
        streams="face+bio",
        authors_protocol="trial-pooled",
        authors_folds=10,
        authors_unit="trial",
        protocol_tag="memory",
        measured_on="trials of all subjects mixed, 10 folds or 80/20",
        leak="subjects and stimuli are on both sides",
        facts=(
            Fact(
                "DEAP, AMIGOS, MAHNOB-HCI and DREAMER; each modality alone and all "
                "together; more than 120 subjects",
                "abstract",
            ),
            Fact(
                "a pretrained VGG, EEG, heart variability, GSR, face video; "
                "features are joined",
                "third-party",
            ),
            Fact(
                "conditional entropy of pairs of channels; head maps of theta, "
                "alpha and beta as red, green and blue through VGG-16; 30 principal "
                "components",
                "memory",
            ),
            Fact(
                "heart: beats at least 0.5 s apart, RMSSD, pNN50 and the like, a "
                "spectrogram; GSR: eight statistics, a spectrogram",
                "memory",
            ),
            Fact(
                "faces once a second through a network of faces; mean, deviation, "
                "95th percentile; distances and angles of landmarks",
                "memory",
            ),
            Fact(
                "features from -1 to 1, an extreme learning machine; an LSTM over "
                "seconds",
                "memory",
            ),
            Fact(
                "VGG-16 by --face-weights, ten head maps and ten faces of a trial; "
                "else pictures of 32 x 32 through three convolutions with random "
                "weights",
                "choice",
            ),
            Fact(
                "colours of head maps: log power from 0.01 to 1,000 squared "
                "microvolts; maps of seconds, averaged after the filters",
                "choice",
            ),
            Fact(
                "faces by the network of --face-weights or the same filters; no "
                "landmarks, no LSTM",
                "choice",
            ),
            Fact(
                "50 to 500 hidden units by inner folds; components and ranges by "
                "training trials",
                "choice",
            ),
        ),
    ),
)
SYSTEMS: Mapping[str, SystemRecord] = {record.learner: record for record in _LIST}
"""The systems by the name of their learner."""
