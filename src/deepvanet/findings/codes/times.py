"""Codes on time: stamps, rates, gaps, markers."""

from deepvanet.findings.record import Code, Severity

TIMES = (
    Code(
        "T01",
        Severity.WARNING,
        "A gap in a recording",
        "Packets were lost, or the recorder was paused; the file says so, or the time "
        "stamps do.",
        "The seconds of the gap have no samples. Trials after it are where their time "
        "says; a trial that holds the gap has missing data.",
        "Nothing, if the gap is real. Segments without enough samples have no stream.",
        "a.edf 12 s to 22 s: 10 s are missing in the recording; assumed: the gap has "
        "no samples; what follows is where its time says",
    ),
    Code(
        "T02",
        Severity.ERROR,
        "A jump in the time stamps",
        "A clock was set again while recording, or two recordings were written to one "
        "file.",
        "What lies after the jump would be placed hours or days later.",
        "Cut the file where the clock jumps, or correct its stamps.",
        "a.xdf stream EEG 20 s: the time stamps jump by 200000 s, while 3072 samples "
        "last about 24 s; assumed: there is no gap at the jump; to change it: cut the "
        "file at the jump, or correct the time stamps after it",
    ),
    Code(
        "T03",
        Severity.WARNING,
        "Repeated time stamps",
        "A device stamps packets, not samples, or a stamp was written twice.",
        "Without correction, samples would be lost or placed twice.",
        "Nothing; repeated stamps are put at equal steps between their neighbours.",
        "a.csv: 3 of 3072 time stamps are repeated; assumed: such samples lie at "
        "equal steps between their neighbours",
    ),
    Code(
        "T04",
        Severity.ERROR,
        "Time stamps that go back",
        "Two parts were written in the wrong order, or a clock was set back.",
        "The order of the samples is not known.",
        "Sort the rows by time, or cut the file where the clock was set back.",
        "a.csv line 812: 12.5 s follows 14.2 s",
    ),
    Code(
        "T05",
        Severity.NOTE,
        "Time in another unit, or from another origin",
        "Devices and phones write Unix time, milliseconds, microseconds or a clock.",
        "Read as seconds, a minute would last for hours.",
        "Name the unit in the column, as time_ms or time_s, if it was recognised "
        "wrong.",
        "p.csv column timestamp: its first stamp is 1700000000000, its steps are "
        "7.812; assumed: Unix time in ms, 128 samples a second",
    ),
    Code(
        "T06",
        Severity.ERROR,
        "A rate that no such sensor has",
        "The time column is in another unit, or is not the time.",
        "All trials would lie elsewhere, and last another time.",
        "Name the column of seconds as time of [tables], or write its unit into its "
        "name, as time_ms.",
        "p.csv: 0.128 samples a second, expected 0.5 Hz to 100 kHz; assumed: its "
        "times are seconds all the same; to change it: if they are in another unit, "
        "write it into the name of the column, as time_ms",
    ),
    Code(
        "T07",
        Severity.WARNING,
        "Another rate than the file states",
        "The clock of the device is not exact, or samples were lost evenly.",
        "Signals and video drift apart by seconds in an hour.",
        "Nothing, if the time stamps are right: the measured rate is used.",
        "a.xdf stream EEG: 249.1 samples a second by its time stamps, 256 stated; "
        "assumed: the time stamps are right, and their rate is used",
    ),
    Code(
        "T08",
        Severity.ERROR,
        "Streams that do not overlap",
        "Two streams of one trial have other clocks, or one belongs to another day.",
        "One stream would be missing throughout, or belong to another trial.",
        "State how the clocks relate, as peripheral_offset_s or video_offset_s.",
        "p.csv: does not overlap with a.edf: it lasts from 100 s to 140 s, the other "
        "from 0 s to 40 s; assumed: it has no samples in the recording; to change it: "
        "write peripheral_offset_s, 0 where both begin in the same moment",
    ),
    Code(
        "T09",
        Severity.ERROR,
        "Streams without a common clock",
        "One stream has Unix time, the other counts from its own start.",
        "It is not known which second of one is which second of the other.",
        "State how the clocks relate, as peripheral_offset_s or video_offset_s.",
        "p.csv: p.csv has Unix time, a.edf does not say when it was recorded; "
        "assumed: both begin in the same moment; to change it: write "
        "peripheral_offset_s, 0 where both begin in the same moment",
    ),
    Code(
        "T10",
        Severity.WARNING,
        "Video and signals of another length",
        "The clock of one is not exact, or frames were lost.",
        "At the end of the recording, faces and signals are of different moments.",
        "Give the start of the video at each trial, or record stamps of its frames.",
        "subject 1 trial 3: the video of 600.0 s is 1.20 s longer than the same time "
        "on the clock of the signals; assumed: the two clocks drift apart; it is not "
        "corrected; to change it: write video_offset_s for each trial",
    ),
    Code(
        "T11",
        Severity.ERROR,
        "A marker that is not found as often as it is named",
        "The text differs, a trigger was lost, or one was sent twice.",
        "Trials after a lost marker would be placed at the next one.",
        "Name the marker as it stands in the file, or give onset_s.",
        "trials.csv lines 2, 3: marker 'stim' occurs 3 times in a.bdf, but 2 rows "
        "name it; the file has stim, stop; assumed: their trials are left out; to "
        "change it: write a row for each marker, or onset_s in place of marker",
    ),
    Code(
        "T12",
        Severity.WARNING,
        "A trial that the recording does not hold whole",
        "The recording was started late or stopped early, or the onset is wrong.",
        "The trial is shorter, or is left out.",
        "Correct onset_s and duration_s, if the recording holds the trial.",
        "trials.csv line 4: subject 1 trial 3 lacks its last 2.5 s: the signals end "
        "there",
    ),
    Code(
        "T13",
        Severity.NOTE,
        "Markers and events that are not used",
        "The file holds markers that no row of the table names.",
        "None, if they are of no meaning for the trials.",
        "Name them in the column marker, if trials begin there.",
        "a.xdf: 12 markers are not used: start (6), stop (6)",
    ),
    Code(
        "T14",
        Severity.WARNING,
        "A trial of another length than documented",
        "The copy was changed, or the recording was stopped early.",
        "The trial gives fewer segments than those of others.",
        "Compare the file with the original.",
        "1 trials have signals of another length than the other subjects have at the "
        "same video: P01_4 (62.0 s, usually 85.3 s); assumed: they are used in full",
    ),
    Code(
        "T15",
        Severity.NOTE,
        "Stimuli of another length than published",
        "The copy is synthetic or shortened, or viewing was stopped.",
        "The trial gives fewer or more segments.",
        "Nothing.",
        "stimuli of another length than 60 s: s01 4 of 4, the shortest 6 s; assumed: "
        "each is used as long as it was shown",
    ),
    Code(
        "T16",
        Severity.NOTE,
        "Trigger codes that are not complete",
        "A code was lost or sent twice.",
        "A trial that cannot be placed is left out, and is named.",
        "Nothing.",
        "s01: the codes of a trial do not occur equally often: 40 times code 2, 41 "
        "times code 3, 40 times code 4, 40 times code 5; assumed: a trial begins at a "
        "code 4, and ends a minute later or at the next code",
    ),
    Code(
        "T20",
        Severity.ERROR,
        "A time that is not a number",
        "A cell of the column of times is empty or holds a word.",
        "The samples concerned cannot be placed in time.",
        "Write the time, or leave the rows out.",
        "a.csv: a time is not a number, or is empty, in 1 of 3072 samples: 'lost' in "
        "line 812; assumed: those samples are left out",
    ),
    Code(
        "T30",
        Severity.ERROR,
        "A table without a column of time",
        "The column is called otherwise, or the export holds samples without times.",
        "Samples cannot be placed in time.",
        "Name the column of seconds time_s, or state it as time of [tables].",
        "a.csv: no column of seconds called time, got Fp1, Fp2",
    ),
    Code(
        "T31",
        Severity.ERROR,
        "Two columns of time",
        "The clock of the device and that of the computer, or that of a stimulus.",
        "Samples would be placed by a clock that is chosen by its place.",
        "State the column as time of [tables].",
        "a.csv: columns time and timestamp both look like the time of the samples, "
        "and differ",
    ),
    Code(
        "T50",
        Severity.WARNING,
        "Trials that overlap",
        "Durations or onsets are wrong, or windows are cut with overlap.",
        "The same seconds count in two trials, which may stand in training and test.",
        "Correct onset_s and duration_s.",
        "trials.csv line 2: 1 trials of a.edf overlap with the next: trial 1 ends 2 "
        "s after trial 2 begins",
    ),
    Code(
        "T51",
        Severity.ERROR,
        "Two trials of a subject in the same seconds",
        "The column that says when trials begin is absent or has another name.",
        "Both trials would have the same signals, with other ratings.",
        "State onset_s or marker for each trial.",
        "trials.csv lines 2 and 3: trials 1 and 2 of subject 01 both begin at 0 s of "
        "a.edf",
    ),
    Code(
        "T52",
        Severity.ERROR,
        "Trials without an end",
        "Neither the table nor the marker says how long a trial lasts, and others "
        "follow it.",
        "Each trial would hold those after it.",
        "State duration_s for each trial, in BIDS duration.",
        "trials.csv lines 2, 3: the length of 2 trials is not stated, and other "
        "trials follow them in a.edf; assumed: each lasts to the end of the "
        "recording; to change it: write their length in seconds as duration_s, in "
        "BIDS as duration",
    ),
    Code(
        "T53",
        Severity.WARNING,
        "Rated events without a duration",
        "duration is n/a or 0 in events.tsv.",
        "The trial may be longer than the stimulus was.",
        "State duration in events.tsv.",
        "sub-01_task-film_events.tsv line 2: the duration of 1 of 2 rated events is "
        "n/a or 0; assumed: each lasts to the end of the recording; to change it: "
        "write duration in events.tsv",
    ),
)
