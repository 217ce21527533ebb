"""Codes on quality: missing samples, silent channels, odd signals."""

from deepvanet.findings.record import Code, Severity

QUALITY = (
    Code(
        "Q01",
        Severity.WARNING,
        "Samples are missing in trials",
        "Packets were lost, cells are empty, or the sensor was off.",
        "Segments with too many missing samples have no such stream.",
        "Nothing, or leave the trial out.",
        "a.csv trial 1 GSR: 0.5 s of 12 s are missing",
    ),
    Code(
        "Q02",
        Severity.WARNING,
        "A channel that never changes",
        "The sensor was not plugged in, or the amplifier was at its limit.",
        "The channel shows nothing, or who was recorded.",
        "Declare the channels to use, without this one.",
        "a.edf EMG is 0 uV throughout",
    ),
    Code(
        "Q03",
        Severity.WARNING,
        "Cells that are no numbers",
        "A device writes a word, as OVF, where it has no number.",
        "Those samples are missing; the others are used.",
        "Nothing, or correct the cells.",
        "a.csv column GSR: 1 of 3072 cells is no number: 'OVF' in line 812",
    ),
    Code(
        "Q04",
        Severity.WARNING,
        "Signals unlike those of the original data set",
        "The copy was processed in another way.",
        "Scores cannot be compared with published ones.",
        "Compare the file with the original.",
        "s01: 30% of the EEG's power lies outside 3-47 Hz",
    ),
    Code(
        "Q05",
        Severity.WARNING,
        "Trials with the signals of another",
        "A file was copied under another name.",
        "The same signals would train and test a model.",
        "Replace the copy by the original file.",
        "trials with the signals of another (2): s01 trial 3 = s02 trial 3",
    ),
    Code(
        "Q06",
        Severity.NOTE,
        "Trials without a stream",
        "Not everything was recorded with everyone.",
        "The trial is used by learners that do not need the stream.",
        "Nothing.",
        "3 trials have no EEG: s01 trial 4, s02 trial 1, s02 trial 5",
    ),
    Code(
        "Q20",
        Severity.NOTE,
        "A channel at a slower rate than its table",
        "The device writes all sensors into one table, at the rate of the fastest.",
        "None: the channel is interpolated from its own samples.",
        "Nothing, if the sensor has this rate.",
        "a.csv GSR: numbers in 96 of 3072 rows, 4 a second",
    ),
)
