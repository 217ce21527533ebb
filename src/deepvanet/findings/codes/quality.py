"""Codes on quality: missing samples, silent channels, odd signals."""

from deepvanet.findings.record import Code, Severity

QUALITY = (
    Code(
        "Q01",
        Severity.WARNING,
        "Samples are missing in trials",
        "Packets were lost, cells are empty, or the sensor was off.",
        "Segments with too many missing samples have no such stream.",
        "Nothing, if samples were lost. Else export the file again. To leave a trial "
        "out of recordings of your own, delete its row in the table of trials.",
        "a.csv GSR: 64 of 3072 samples are missing, first at 12.5 s; assumed: a curve "
        "fills gaps up to 0.1 s, longer ones stay missing",
        assumed="these samples are missing: a segment without enough others goes "
        "without the channel",
    ),
    Code(
        "Q02",
        Severity.WARNING,
        "A channel that never changes",
        "The sensor was not plugged in, or the amplifier was at its limit.",
        "The channel shows nothing, or who was recorded.",
        "If the sensor was not connected, or it is the reference electrode, list all "
        'other channels in recordings.toml, as eeg = ["Fp1", "Fp2"] and, under '
        '[peripherals], "ECG" = "ecg". In a data set, get the file again, or leave '
        "the subject out with --exclude SUBJECT.",
        "a.edf EMG: EMG is 0 uV throughout; assumed: the channel is used as it is",
        assumed="the channel is used as it is",
    ),
    Code(
        "Q03",
        Severity.WARNING,
        "Cells that are no numbers",
        "A device writes a word, as OVF, where it has no number.",
        "Those samples are missing; the others are used.",
        "Nothing, if the device had no number there. Else correct the cells.",
        "a.csv column GSR: 1 of 3072 cells is no number: 'OVF' in line 812",
        assumed="these samples are missing",
    ),
    Code(
        "Q04",
        Severity.WARNING,
        "Signals unlike those of the original data set",
        "The copy was processed in another way.",
        "Scores cannot be compared with published ones.",
        "Nothing, if you filtered the file yourself. Else download it again.",
        "s01: 30% of the EEG's power lies below 3 Hz or above 47 Hz; published DEAP "
        "is filtered to 4-45 Hz, so this copy has another rate, or was processed "
        "otherwise",
        assumed="it is used as it is",
    ),
    Code(
        "Q05",
        Severity.WARNING,
        "Trials with the signals of another",
        "A file was copied under another name.",
        "The same signals would train and test a model.",
        "The signals do not say which of the two is the copy. Get the file again, or "
        "leave the subject out with --exclude SUBJECT.",
        "trials with the signals of another (2): s02 trial 03 = s01 trial 03, s02 "
        "trial 04 = s01 trial 04; assumed: all are used, though one of each pair is "
        "probably a copy",
        assumed="all are used",
    ),
    Code(
        "Q06",
        Severity.NOTE,
        "Trials without a stream",
        "Not everything was recorded with everyone.",
        "The trial is left out.",
        "Nothing, if the data set lacks them. Else copy the files of the signals "
        "again.",
        "2 emotional sessions have no signals: 6, 1432; assumed: they are left out",
        assumed="the trial is left out",
    ),
    Code(
        "Q20",
        Severity.NOTE,
        "A channel at a slower rate than its table",
        "The device writes all sensors into one table, at the rate of the fastest.",
        "None: the channel is interpolated from its own samples.",
        "Nothing, if the sensor has this rate. Else fill the empty cells, or export "
        "the file again.",
        "a.csv GSR: numbers in 96 of 3072 rows, 4 a second; assumed: it was sampled "
        "at that rate, so nothing is missing",
        assumed="it was sampled at that rate, so nothing is missing",
    ),
)
