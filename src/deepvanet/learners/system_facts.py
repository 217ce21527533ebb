"""What is known of the systems of Table 2, fact by fact, and what is chosen here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tag = Literal[
    "paper", "abstract", "code", "third-party", "memory", "inferred", "choice"
]
"""Where a fact is from: the full text; the abstract or first page; the authors' code;
somebody else's code or notes; from memory, not checked; reasoned here; chosen here."""

ASSUMED: tuple[Tag, ...] = ("third-party", "memory", "inferred", "choice")
"""Tags of what no text or code of the authors says."""


@dataclass(frozen=True)
class Fact:
    """One thing about a system, and where it is from."""

    text: str
    tag: Tag


FACTS: Mapping[str, tuple[Fact, ...]] = {
    "koelstra2012": (
        Fact(
            "EEG: log power of 32 electrodes in theta 4-8, slow alpha 8-10, alpha "
            "8-12, beta 12-30 and gamma above 30 Hz, and 14 differences between right "
            "and left in four of these: 216 features of a trial.",
            "paper",
        ),
        Fact(
            "106 peripheral features of GSR, plethysmograph, respiration, temperature, "
            "EMG and EOG. Those that are listed are about 69; these are built.",
            "paper",
        ),
        Fact(
            "A feature is kept where Fisher's J is above 0.3 in the training part.",
            "paper",
        ),
        Fact("Gaussian naive Bayes with the priors of the classes.", "paper"),
        Fact(
            "Fusion: the product of the posteriors, each to the power of its weight, "
            "weights in steps of 0.01, those that are best in training. Fusion of EEG "
            "and peripheral signals alone is not reported.",
            "paper",
        ),
        Fact(
            "EEG alone has valence 57.6 and arousal 62.0, peripheral signals 62.7 and "
            "57.0, and always answering with the larger class 58.6 and 64.4.",
            "paper",
        ),
        Fact(
            "Whether 30 or 60 s of a trial were used is not said: all of it.", "choice"
        ),
        Fact(
            "Power by Welch in windows of a second, as in the study of correlations of "
            "the same text; the signals of the store, as they are.",
            "choice",
        ),
        Fact(
            "Features have a deviation of 1 in training before J, which depends on "
            "their units as it is printed.",
            "choice",
        ),
        Fact("In MAHNOB-HCI an ECG takes the place of the plethysmograph.", "choice"),
    ),
    "soleymani2012": (
        Fact(
            "EEG: log power by Welch, windows of 15 s that overlap by half, in theta, "
            "slow alpha, alpha, beta and gamma of 32 electrodes, with 14 differences "
            "between the sides in four of them; the first author's function in the "
            "toolbox TEAP has these bands and windows.",
            "memory",
        ),
        Fact("About 102 peripheral features, which are not listed.", "memory"),
        Fact(
            "Features are kept where a one-way analysis of variance on training rows "
            "has p < 0.05.",
            "memory",
        ),
        Fact(
            "An SVM with an RBF kernel, C and gamma by a grid on 20 inner folds, "
            "probabilities as output; modalities are fused by their sum.",
            "memory",
        ),
        Fact(
            "Features were scaled to 0 to 1 within each participant over all of its "
            "trials: `soleymani2012:as-published`, which leaks `unlabelled`.",
            "memory",
        ),
        Fact(
            "Gaze alone had 68.8 (valence) and 63.5 (arousal), gaze and EEG 76.1 and "
            "67.7, on three classes.",
            "memory",
        ),
        Fact("Two classes from ratings instead of three from keywords.", "choice"),
        Fact("The peripheral features of TEAP stand for those of the text.", "choice"),
        Fact("Scaling by training rows.", "choice"),
        Fact(
            "C from 2^-5 to 2^15 and gamma from 2^-15 to 2^3 in five steps each (three "
            "with `--size small`), on 3 inner folds of whole subjects or trials.",
            "choice",
        ),
    ),
    "after-wiem2017": (
        Fact(
            "ECG, respiration volume, skin temperature and GSR, no EEG; 169 features; "
            "an SVM; two and three classes of ratings.",
            "abstract",
        ),
        Fact("Of several kernels the Gaussian one was best.", "memory"),
        Fact(
            "Butterworth filters; features were scaled within each participant.",
            "memory",
        ),
        Fact(
            "The features: what `koelstra2012` and `soleymani2012` have, and moments "
            "of each signal and of its first and second differences.",
            "choice",
        ),
        Fact(
            "Split, C, gamma and filters were not found: whole trials of all subjects, "
            "the grid of `soleymani2012`, no further filter, scaling by training rows.",
            "choice",
        ),
        Fact("In DEAP the plethysmograph takes the place of the ECG.", "choice"),
    ),
    "after-koelstra2013": (
        Fact(
            "Facial expressions and EEG of MAHNOB-HCI, fused by features and by "
            "decisions; both together are better.",
            "memory",
        ),
        Fact(
            "Action units by the authors' own detector, from motion fields in regions "
            "of the face; features say how often and how long each is active.",
            "memory",
        ),
        Fact(
            "EEG: log power in theta, alpha, beta and gamma, and 14 differences "
            "between the sides.",
            "memory",
        ),
        Fact(
            "Their detector needs videos with coded action units. Here a face is read "
            "by optical flow in regions (60 features), by fer's seven emotions "
            "(`--face-weights`), or by a table of action units that was made "
            "elsewhere (stream `face-features`).",
            "choice",
        ),
        Fact(
            "Selection, classifier and folds were not found: Fisher's J above 0.3, "
            "naive Bayes a modality, the product of posteriors with weights by inner "
            "folds.",
            "choice",
        ),
    ),
    "huang2019": (
        Fact(
            "Face: grey images of 48 x 48, three convolutions (32, 32, 64 maps), a "
            "dense layer of 64, a sigmoid for each target; 50 random images of a "
            "training trial; SGD 1e-4, momentum 0.9, 12 epochs, batches of 16. A "
            "trial's score is the mean over its images.",
            "code",
        ),
        Fact(
            "EEG: 85 numbers a second, 14 electrodes and three differences in five "
            "bands, unscaled; an RBF SVM with C 15; a trial's score is the share of "
            "its seconds that vote high.",
            "code",
        ),
        Fact(
            "The features are called power spectral density, but the code for "
            "MAHNOB-HCI takes the mean of the band-passed signal, which is near zero: "
            "`huang2019:as-code`. Log band power is the default here.",
            "code",
        ),
        Fact(
            "Fusion: the weight of the face with the fewest errors on training trials. "
            "Of the second rule, AdaBoost, slips in the code make the member with the "
            "smaller training error decide always; it is left out.",
            "code",
        ),
        Fact(
            "In training a rating is compared with 5, in testing its integer part.",
            "code",
        ),
        Fact(
            "The weights of the fusion are fitted on scores of inner folds, since "
            "members are nearly always right on trials that they were trained on.",
            "choice",
        ),
        Fact(
            "The authors start from weights trained on FER2013, which are not ours to "
            "ship: `--face-weights` takes fer's network or the trunk of AFEW-VA; else "
            "weights are fresh and the learning rate is 1e-2.",
            "choice",
        ),
    ),
    "liu2016": (
        Fact(
            "An autoencoder of two modalities with a shared layer, started from "
            "restricted Boltzmann machines; the mean over four dimensions of DEAP is "
            "83.25.",
            "abstract",
        ),
        Fact(
            "One width for all three machines, 20 sweeps each, batches of 100; sigmoid "
            "encoders, decoders that start from the transposed weights; mean squared "
            "error, RMSprop; inputs from 0 to 1; a linear SVM on the shared layer "
            "(later code of the first author, for other data).",
            "code",
        ),
        Fact(
            "In that code scaler and autoencoder see test rows, and C is chosen by "
            "test accuracy.",
            "code",
        ),
        Fact("All channels of a second joined, raw.", "third-party"),
        Fact("Ten folds over seconds, those of a trial on both sides.", "memory"),
        Fact(
            "Width and epochs for DEAP were not found; scaler, machines and "
            "autoencoder are fitted on training rows.",
            "choice",
        ),
    ),
    "alhagry2017": (
        Fact(
            "Raw EEG, features learnt by an LSTM, a dense layer decides; valence "
            "85.45, arousal 85.65, liking 87.99 on DEAP.",
            "abstract",
        ),
        Fact(
            "Pieces of 5.25 s, an LSTM of 64 with a ReLU, dropout 0.2, an LSTM of 32 "
            "with a sigmoid, one output; binary cross-entropy, RMSprop 1e-3 "
            "(somebody's attempt to rebuild it, who had 57 to 58 % for liking on new "
            "subjects).",
            "third-party",
        ),
        Fact("Within subjects, four folds.", "memory"),
        Fact("Pieces of one trial on both sides of random folds.", "inferred"),
        Fact(
            "Pieces of five seconds that do not overlap; channels scaled by training "
            "rows; batches of 32, 100 epochs (4 with `--size small`), the epoch as the "
            "protocol says.",
            "choice",
        ),
    ),
    "yang2018": (
        Fact(
            "The mean waveform of the three seconds of rest is subtracted from each "
            "second (`--baseline waveform`); then each time point is scaled over its "
            "electrodes.",
            "code",
        ),
        Fact(
            "A second is 128 pictures of 9 x 9 cells. Three convolutions of 4 x 4 (32, "
            "64, 128 maps) are shared by them; the stacked maps are reduced to 13. "
            "Beside them each time point is spread to 1024, which two LSTMs of 32 "
            "read. Both are joined before two outputs: 592,937 weights.",
            "code",
        ),
        Fact(
            "Cross-entropy and half the sum of squares of all weights and biases times "
            "0.5; Adam 1e-4, batches of 200, 70 epochs, the last one.",
            "code",
        ),
        Fact(
            "Result files of the authors have 90.80 and 91.03 with the waveform, and "
            "57.05 and 61.78 without it, of an earlier variant and one split.",
            "code",
        ),
        Fact(
            "The first second of a trial is stored twice and the last one dropped, so "
            "that copies can be on both sides. That is left out here.",
            "code",
        ),
        Fact("Electrodes by name, so that other montages can be read.", "choice"),
        Fact(
            "`--size small`: 10 epochs, every fourth time point, half the maps.",
            "choice",
        ),
    ),
    "after-anubhav2020": (
        Fact(
            "An LSTM on band power of EEG, per subject (the sister paper of the same "
            "authors has the same two numbers).",
            "abstract",
        ),
        Fact(
            "94.69 and 93.13 are multiples of 1/320: ten test trials of each of 32 "
            "subjects, so whole trials. Choosing the epoch on ten trials alone could "
            "lift coin flips to 84 or 92 %.",
            "inferred",
        ),
        Fact(
            "Bands, window, sizes and training were not found: log power a second in "
            "theta, alpha, beta and gamma; the trial as a sequence of seconds; an LSTM "
            "of 128 and one of 64, a dense layer of 32; Adam 1e-3, batches of 8, 100 "
            "epochs.",
            "choice",
        ),
    ),
    "after-tang2017": (
        Fact(
            "A bimodal LSTM on EEG and peripheral signals of DEAP; the mean of valence "
            "and arousal is 83.53.",
            "abstract",
        ),
        Fact(
            "An LSTM a modality over consecutive features, their last states joined; "
            "differential entropy in four bands.",
            "memory",
        ),
        Fact(
            "Features, steps, sizes and split were not found: features of ten "
            "consecutive seconds, LSTMs of 64, dropout 0.5, a dense layer of 64; Adam "
            "1e-3, 50 epochs; the second sits last in its window.",
            "choice",
        ),
    ),
    "after-siddharth2019": (
        Fact(
            "EEG, heart, GSR and faces of four data sets; each alone, and features of "
            "all together; a network that was pretrained on photographs.",
            "abstract",
        ),
        Fact(
            "EEG: conditional entropy of pairs of channels, and power in theta, alpha "
            "and beta as the colours of a head map through VGG-16, then principal "
            "components.",
            "memory",
        ),
        Fact(
            "Heart and GSR: statistics, and spectrograms through the same network. "
            "Faces: distances of landmarks, and a network of faces once a second.",
            "memory",
        ),
        Fact(
            "An extreme learning machine on features from -1 to 1; 10 folds or 80/20 "
            "over trials of all subjects.",
            "memory",
        ),
        Fact(
            "Weights of VGG-16 are not ours to ship: pictures go through three "
            "convolutions with random weights. The LSTM and landmarks are left out.",
            "choice",
        ),
        Fact(
            "50 to 500 hidden units by inner folds (50 or 200 with `--size small`); "
            "ranges and components by training rows.",
            "choice",
        ),
    ),
}
"""What is known, by learner, what was taken from sources first."""
