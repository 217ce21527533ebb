"""Codes on channels: what they measure, and in which unit."""

from deepvanet.findings.record import Code, Severity

CHANNELS = (
    Code(
        "C01",
        Severity.NOTE,
        "A channel that is not used",
        "Its label and the file do not say what it measures.",
        "None, if it measures nothing of interest.",
        "State what it measures under [peripherals], or add it to eeg, in "
        "recordings.toml.",
        "a.csv: 2 channels are not used: Photosensor, ECG quality",
    ),
    Code(
        "C02",
        Severity.ERROR,
        "Two channels of one name",
        "Labels repeat in one file, or two files hold one channel.",
        "One of them would win by its place in the file.",
        "Give each channel a label of its own, or name those to use in "
        "recordings.toml.",
        "a.edf: two channels are called GSR",
    ),
    Code(
        "C03",
        Severity.ERROR,
        "A unit that is not known",
        "The file spells it in a way that no table of units has.",
        "Its numbers could be wrong by a factor of a million.",
        "State the unit of the channel under [units] in recordings.toml.",
        "a.edf GSR: the unit 'umho/x' is not known",
    ),
    Code(
        "C04",
        Severity.WARNING,
        "A unit that is not stated",
        "Tables and some exports have no place for a unit.",
        "Numbers may be wrong by a factor; a bundle could not be used for others.",
        "State it under [units] in recordings.toml, or write it behind the label, as "
        "GSR [uS].",
        "a.csv: no unit is stated for Fp1, Fp2: taken for uV",
    ),
    Code(
        "C05",
        Severity.WARNING,
        "Numbers that the stated unit makes implausible",
        "The unit is another, a gain is missing, or the sensor was not attached.",
        "The model would learn the scale of a device.",
        "State the true unit under [units] in recordings.toml.",
        "a.edf GSR: the median is 2e-06 uS, the interquartile range 1e-06 uS; expected "
        "for gsr is a median of 0.01 to 200 uS",
    ),
    Code(
        "C06",
        Severity.ERROR,
        "No physical range in the header",
        "The physical minimum and maximum of an EDF channel are equal.",
        "The numbers of the channel cannot be known.",
        "Write the physical range into the header, or leave the channel out.",
        "a.edf GSR: physical minimum and maximum are both 0, so its numbers cannot be "
        "known; assumed: all samples of the channel are missing; to change it: write "
        "the range into the header, or leave the channel out",
    ),
    Code(
        "C07",
        Severity.WARNING,
        "A channel that some recordings lack",
        "A sensor was not used with everyone, or is called otherwise in some files.",
        "A channel that is not in all recordings is used in none of them.",
        "Declare the channels under eeg or [peripherals]: recordings without one of "
        "them go without the stream.",
        "trials.csv: EMG is missing in 2 of 20 recordings (b, c), so it is used in "
        "none of them; assumed: the channels that all recordings have",
    ),
    Code(
        "C08",
        Severity.WARNING,
        "A side-car that contradicts its file",
        "channels.tsv and the header state another unit, type or number of channels.",
        "One of the two is wrong.",
        "Correct the side-car or the file.",
        "channels.tsv GSR: kOhm, the header says uS; assumed: uS, as the header says",
    ),
    Code(
        "C09",
        Severity.NOTE,
        "A channel that is marked as bad",
        "channels.tsv has the status bad, or the file names bad channels.",
        "Its numbers are missing; an electrode is left out of the reference, and is "
        "interpolated by --artefacts icalabel.",
        "Nothing; correct the status if the channel is good.",
        "a.edf GSR: marked as bad in channels.tsv or in the file itself; assumed: its "
        "numbers are left out; to change it: correct its status, if the channel is "
        "good",
    ),
    Code(
        "C10",
        Severity.ERROR,
        "Two streams for one thing",
        "Two people, or two devices, were recorded into one file.",
        "Channels of two people would be referenced to one average.",
        "Name the streams to use as streams of [xdf] in recordings.toml.",
        "a.xdf: 2 streams of EEG: Cap A (EEG), Cap B (EEG); assumed: only Cap A (EEG) "
        "is meant; to change it: name the one to use as streams of [xdf] in "
        'recordings.toml: streams = ["Cap A"] or ["Cap B"]; both, if they are of one '
        "person",
    ),
    Code(
        "C11",
        Severity.WARNING,
        "A sensor that is not connected",
        "Conductance around or below 0, or a channel at the end of its range.",
        "The channel shows when the sensor was attached, not what the person felt.",
        "Leave the recording out of this stream, or the channel.",
        "a.edf GSR: 0.02 uS or less in 40% of the recording: an electrode is loose, "
        "or the unit is wrong; assumed: it is used as it is",
    ),
    Code(
        "C12",
        Severity.ERROR,
        "A rate too low for what is measured",
        "A channel was exported as a summary, or another column has its label.",
        "At this rate the signal holds nothing of what its name says.",
        "Export the raw signal, or state another type under [peripherals].",
        "a.csv EMG: 1 Hz, emg needs at least 20 Hz",
    ),
    Code(
        "C13",
        Severity.WARNING,
        "A channel in another unit than in training",
        "The recording comes from another device or export.",
        "The bundle would read numbers of another scale.",
        "State the unit under [units] in recordings.toml.",
        "a.csv: no unit is stated for GSR; assumed: uS, as in the recordings that the "
        "bundle was trained on",
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
    ),
    Code(
        "C20",
        Severity.WARNING,
        "A unit of something else",
        "A device states one unit for all its channels, as BioSemi does, or the "
        "channel measures something else than its label says.",
        "The numbers are kept in that unit; recordings of other devices do not fit.",
        "State the true unit under [units], or what the channel measures under "
        "[peripherals], in recordings.toml.",
        "a.bdf GSR: uV is not a unit of gsr; assumed: its numbers are used, in uV; to "
        "change it: state the true unit under [units] in recordings.toml",
    ),
    Code(
        "C21",
        Severity.ERROR,
        "Units that do not turn into each other",
        "Recordings, or a recording and a bundle, state units of different things for "
        "one channel.",
        "Its numbers cannot be compared.",
        "State the true unit under [units] in recordings.toml, or rename the channel.",
        "b.edf GSR: in uV, and in uS in other recordings",
    ),
)
