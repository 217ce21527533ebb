"""Codes on channels: what they measure, and in which unit."""

from deepvanet.findings.record import Code, Severity

CHANNELS = (
    Code(
        "C01",
        Severity.NOTE,
        "A channel that is not used",
        "Its label and the file do not say what it measures.",
        "None, if it measures nothing of interest.",
        "Nothing, if it measures nothing of interest. To use it in recordings of your "
        "own, list all channels to use in recordings.toml, this one among them: "
        'electrodes as eeg = ["Fp1", "Fp2"], others under [peripherals], one on a '
        'line, as "EDA" = "gsr".',
        "a.csv: 2 channels are not used: Photosensor, ECG quality (neither label nor "
        "file says what is measured, if it is a signal)",
        assumed="it is left out, and all else is read",
    ),
    Code(
        "C02",
        Severity.ERROR,
        "Two channels of one name",
        "Labels repeat in one file, or two files hold one channel.",
        "One of them would win by its place in the file.",
        "Give each channel a label of its own in the file. Or list all channels to "
        'use in recordings.toml, as eeg = ["Fp1-1", "Fp2"]: "Fp1-0" is the first '
        'channel called Fp1, "Fp1-1" the second.',
        "a.edf GSR: two channels are called GSR; assumed: the first one of them, "
        "channel 4 of the file, is used",
        assumed="it is not read, and what needs it is left out",
    ),
    Code(
        "C03",
        Severity.ERROR,
        "A unit that is not known",
        "The file spells it in a way that no table of units has.",
        "Its numbers could be wrong by a factor of a million.",
        'State the unit in recordings.toml, under [units], as "GSR" = "uS"; known are '
        'V, mV, uV, uS, Ohm, kOhm and degC. If it has none, write "GSR" = "a.u.".',
        "a.edf GSR: the unit 'umho/x' is not known; assumed: its numbers are used as "
        "they are, without a unit; what to do: write the unit under [units] in "
        'recordings.toml, as "GSR" = "uS"',
        assumed="its numbers are used as they are, without a unit",
    ),
    Code(
        "C04",
        Severity.WARNING,
        "A unit that is not stated",
        "Tables and some exports have no place for a unit.",
        "Numbers may be wrong by a factor; a bundle could not be used for others.",
        "If the assumed unit is right, nothing. Else state it in recordings.toml, "
        'under [units], as "EDA" = "uS" or "Fp1" = "mV"; or write it behind the label '
        "in the file, as EDA [uS].",
        "a.csv: no unit is stated for Fp1, Fp2; assumed: the unit is uV",
        assumed="its numbers are used as they are, without a unit",
    ),
    Code(
        "C05",
        Severity.WARNING,
        "Numbers that the stated unit makes implausible",
        "The unit is another, a gain is missing, or the sensor was not attached.",
        "The model would learn the scale of a device.",
        "In recordings of your own, state the true unit in recordings.toml, under "
        '[units], as "eeg" = "V" for all electrodes or "GSR" = "kOhm" for a channel. '
        "In a data set, get the file again; if it says the same, leave the subject "
        "out with --exclude SUBJECT.",
        "a.edf GSR: the median is 2e-06 uS, the interquartile range 1e-06 uS; "
        "expected for gsr is a median of 0.01 to 200 uS; assumed: the numbers are "
        "used as they are, in uS",
        assumed="the numbers are used as they are, in the stated unit",
    ),
    Code(
        "C06",
        Severity.ERROR,
        "No physical range in the header",
        "The physical minimum and maximum of an EDF channel are equal.",
        "The numbers of the channel cannot be known.",
        "Export the file again with a range for the channel. Or leave the channel "
        "out: list all channels to use, without it, in recordings.toml, as eeg = "
        '["Fp1", "Fp2"], others under [peripherals], as "ECG" = "ecg".',
        "a.edf GSR: physical minimum and maximum are both 0, so its numbers cannot be "
        "known; assumed: all samples of the channel are missing",
        assumed="all samples of the channel are missing",
    ),
    Code(
        "C07",
        Severity.WARNING,
        "A channel that some recordings lack",
        "A sensor was not used with everyone, or is called otherwise in some files.",
        "A channel that is not in all recordings is used in none of them.",
        "If all recordings have it under another label, give it one label in all "
        'files. Else declare the channels to use in recordings.toml, as eeg = ["Fp1", '
        '"Fp2"], others under [peripherals], as "EMG" = "emg": a recording without '
        "one of them then has no such stream.",
        "trials.csv: EMG is missing in 2 of 20 recordings (b, c), so it is used in "
        "none of them; assumed: the channels that all recordings have are used",
        assumed="the rest of the recording is used",
    ),
    Code(
        "C08",
        Severity.WARNING,
        "A side-car that contradicts its file",
        "channels.tsv and the header state another unit, type or number of channels.",
        "One of the two is wrong.",
        "If what is assumed is right, correct channels.tsv or the label. Else correct "
        "the file of the signals.",
        "channels.tsv GSR: the unit is kOhm here, uS in the header of a.edf; assumed: "
        "the unit is uS, as the header says; what to do: if so, correct channels.tsv; "
        'else write "GSR" = "kOhm" under [units] in recordings.toml',
        assumed="the file of the signals is right",
    ),
    Code(
        "C09",
        Severity.NOTE,
        "A channel that is marked as bad",
        "channels.tsv has the status bad, or the file names bad channels.",
        "Its numbers are missing; an electrode is left out of the reference, and is "
        "interpolated by --artefacts icalabel.",
        "Nothing, if the channel is bad. Else set its status to good in channels.tsv, "
        "or take it from the list of bad channels in the file.",
        "a.edf GSR: marked as bad, in channels.tsv or in the file itself; assumed: "
        "its numbers are left out",
        assumed="its numbers are left out",
    ),
    Code(
        "C10",
        Severity.ERROR,
        "Two streams for one thing",
        "Two people, or two devices, were recorded into one file.",
        "Channels of two people would be referenced to one average.",
        'Name the streams to use in recordings.toml, under [xdf], as streams = ["Cap '
        'A"].',
        "a.xdf: 2 streams of EEG: Cap A (EEG), Cap B (EEG); assumed: only Cap A (EEG) "
        'is used; what to do: write streams = ["Cap A"] for the first, streams = '
        '["Cap B"] for the second, or streams = ["Cap A", "Cap B"] for both, if they '
        "are of one person, under [xdf] in recordings.toml",
        assumed="only the first of them is used",
    ),
    Code(
        "C11",
        Severity.WARNING,
        "A sensor that is not connected",
        "Conductance around or below 0, or a channel at the end of its range.",
        "The channel shows when the sensor was attached, not what the person felt.",
        "Nothing, if the values are true. If the unit is wrong, state it in "
        'recordings.toml, under [units], as "GSR" = "kOhm". If an electrode was loose, '
        'list all other channels there, as eeg = ["Fp1", "Fp2"] and, under '
        '[peripherals], "ECG" = "ecg"; or leave the subject out with --exclude '
        "SUBJECT.",
        "a.edf GSR: 0.02 uS or less in 40% of the recording: an electrode is loose, "
        "or the unit is wrong; assumed: the channel is used as it is",
        assumed="the channel is used as it is",
    ),
    Code(
        "C12",
        Severity.ERROR,
        "A rate too low for what is measured",
        "A channel was exported as a summary, or another column has its label.",
        "At this rate the signal holds nothing of what its name says.",
        "Export the raw signal at its full rate. If the label means something else, "
        'say in recordings.toml, under [peripherals], what it measures, as "EMG" = '
        '"temperature"; list all peripheral channels to use there.',
        "a.csv EMG: 1 samples a second, emg needs at least 20; assumed: the channel "
        "is used as it is",
        assumed="the channel is used as it is",
    ),
    Code(
        "C13",
        Severity.WARNING,
        "A channel in another unit than in training",
        "The recording comes from another device or export.",
        "The bundle would read numbers of another scale.",
        "If the unit differs, state that of your recording in recordings.toml, under "
        '[units], as "GSR" = "kOhm".',
        "a.csv: no unit is stated for GSR; assumed: the unit is uS, as in the "
        "recordings that the bundle was trained on",
        assumed="its numbers are used as they are",
    ),
    Code(
        "C14",
        Severity.WARNING,
        "Electrodes in another order than documented",
        "The recording was made at another site.",
        "None: channels are found by their labels.",
        "Nothing.",
        "s23: the electrodes are in Geneva order, documented is Twente; assumed: they "
        "are found by their labels, so the order changes nothing",
        assumed="they are found by their labels, so the order changes nothing",
    ),
    Code(
        "C20",
        Severity.WARNING,
        "A unit of something else",
        "A device states one unit for all its channels, as BioSemi does, or the "
        "channel measures something else than its label says.",
        "The numbers are kept in that unit; recordings of other devices do not fit.",
        'State the true unit in recordings.toml, under [units], as "GSR" = "uS". Or, '
        "if the channel measures something else, state that under [peripherals], as "
        '"GSR" = "temperature"; list all peripheral channels to use there.',
        "a.bdf GSR: uV is not a unit of gsr; assumed: its numbers are used, in uV",
        assumed="its numbers are used as they are",
    ),
    Code(
        "C21",
        Severity.ERROR,
        "Units that do not turn into each other",
        "Recordings, or a recording and a bundle, state units of different things for "
        "one channel.",
        "Its numbers cannot be compared.",
        "State the true unit of the channel in recordings.toml, under [units], as "
        '"GSR" = "uS"; it then counts for all files. If the file holds another '
        "measure, give the channel another label there.",
        "b.edf GSR: GSR is in uV, and in uS in other recordings; assumed: the numbers "
        "of the channel are missing",
        assumed="the numbers of the channel are missing",
    ),
)
