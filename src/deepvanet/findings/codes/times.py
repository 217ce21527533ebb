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
        "Nothing, if the gap is real. Else export the file again.",
        "a.edf 12 s to 22 s: 10 s are missing in the recording; assumed: the gap has "
        "no samples; what follows is where its time says",
        assumed="the samples of the gap are missing; what follows is where its time "
        "says",
    ),
    Code(
        "T02",
        Severity.ERROR,
        "A jump in the time stamps",
        "A clock was set again while recording, or two recordings were written to one "
        "file.",
        "What lies after the jump would be placed hours or days later.",
        "If two recordings were joined, cut the file where the clock jumps. If only "
        "the clock was set, nothing is missing there: --accept T02, or correct the "
        "stamps after it.",
        "a.xdf stream EEG 20 s: the time stamps jump by 200000 s, while 3072 samples "
        "last about 24 s; assumed: there is no gap at the jump",
        assumed="it is not read, and what needs it is left out",
    ),
    Code(
        "T03",
        Severity.WARNING,
        "Repeated time stamps",
        "A device stamps packets, not samples, or a stamp was written twice.",
        "Without correction, samples would be lost or placed twice.",
        "Nothing.",
        "a.csv: 3 of 3072 time stamps are repeated, first that of sample 812",
        assumed="such samples lie at equal steps between their neighbours",
    ),
    Code(
        "T04",
        Severity.ERROR,
        "Time stamps that go back",
        "Two parts were written in the wrong order, or a clock was set back.",
        "The order of the samples is not known.",
        "If what is assumed is right, --accept T04. If two recordings were joined, "
        "cut the file there and give each part rows of its own.",
        "a.csv sample 812: the time goes back once: from 14.2 s to 12.5 s; assumed: "
        "the clock was set back, and the samples follow each other",
        assumed="the samples follow each other without a gap",
    ),
    Code(
        "T05",
        Severity.NOTE,
        "Time in another unit, or from another origin",
        "Devices and phones write Unix time, milliseconds, microseconds or a clock.",
        "Read as seconds, a minute would last for hours.",
        "Nothing, if it was recognised right. Else write the unit of the numbers into "
        "the name of the column, as time_ms or time_s. Where it begins beside another "
        "file is stated in the column peripheral_offset_s of the table of trials.",
        "p.csv column timestamp: its first stamp is 1700000000000, its steps are "
        "7.812; assumed: Unix time in ms, 128 samples a second",
        assumed="seconds are counted by the clock of the file, from its first sample",
    ),
    Code(
        "T06",
        Severity.ERROR,
        "A rate that no such sensor has",
        "The time column is in another unit, or is not the time.",
        "All trials would lie elsewhere, and last another time.",
        "Write the unit into the name of the column of times, as time_s, time_ms, "
        "time_us or time_ns. If another column holds the times, name it in "
        'recordings.toml, under [tables], as time = "seconds".',
        "p.csv: 0.128 samples a second, expected 0.5 Hz to 100 kHz; assumed: its "
        "times are seconds all the same",
        assumed="it is not read, and what needs it is left out",
    ),
    Code(
        "T07",
        Severity.WARNING,
        "Another rate than the file states",
        "The clock of the device is not exact, or samples were lost evenly.",
        "Signals and video drift apart by seconds in an hour.",
        "Nothing, if the time stamps are right. Else correct them in the file.",
        "a.xdf stream EEG: 249.1 samples a second by its time stamps, 256 stated; "
        "assumed: the time stamps are right, and their rate is used",
        assumed="the time stamps are right, and their rate is used",
    ),
    Code(
        "T08",
        Severity.ERROR,
        "Streams that do not overlap",
        "Two streams of one trial have other clocks, or one belongs to another day.",
        "One stream would be missing throughout, or belong to another trial.",
        "State in the table of trials when it begins: the column peripheral_offset_s "
        "holds the second of bio at which peripheral begins, video_offset_s the "
        "second of the signals at which the video begins. Streams of one XDF file "
        "need other time stamps, or files of their own.",
        "p.csv: does not overlap with a.edf: it lasts from 100 s to 140 s, the other "
        "from 0 s to 40 s; assumed: it has no samples in the recording; what to do: "
        "write into the column peripheral_offset_s of the table of trials the second "
        "of a.edf at which p.csv begins, 0 if both begin in the same moment",
        assumed="it has no samples in the recording",
    ),
    Code(
        "T09",
        Severity.ERROR,
        "Streams without a common clock",
        "One stream has Unix time, the other counts from its own start.",
        "It is not known which second of one is which second of the other.",
        "State in the column peripheral_offset_s of the table of trials at which "
        "second of bio the file in peripheral begins: 0, if both begin in the same "
        "moment. For two computers in one XDF file: --accept T09, if their clocks "
        "were the same.",
        "p.csv: p.csv has Unix time, a.edf does not say when it was recorded; "
        "assumed: both begin in the same moment; what to do: write into the column "
        "peripheral_offset_s of the table of trials the second of a.edf at which "
        "p.csv begins, 0 if both begin in the same moment",
        assumed="both begin in the same moment",
    ),
    Code(
        "T10",
        Severity.WARNING,
        "Video and signals of another length",
        "The clock of one is not exact, or frames were lost.",
        "At the end of the recording, faces and signals are of different moments.",
        "In recordings of your own, write into the column video_offset_s of the table "
        "of trials the offset that is right in each trial: the second of the "
        "signals at which something happens that is seen in both, minus its second in "
        "the video. In a data set, nothing.",
        "v.mp4 subject 1 trial 3: the video of 600.0 s is 1.20 s longer than the same "
        "time on the clock of the signals; assumed: the two clocks drift apart; it is "
        "not corrected, so that at the end faces are off by this much",
        assumed="nothing is corrected",
    ),
    Code(
        "T11",
        Severity.ERROR,
        "A marker that is not found as often as it is named",
        "The text differs, a trigger was lost, or one was sent twice.",
        "Trials after a lost marker would be placed at the next one.",
        "Write into the column marker of the table of trials what the file has; a row "
        "for each occurrence. Or empty it, and write the second into onset_s.",
        "trials.csv lines 2, 3: marker 'stim' occurs 3 times in a.bdf, but 2 rows "
        "name it; the file has stim, stop; assumed: their trials are left out",
        assumed="their trials are left out",
    ),
    Code(
        "T12",
        Severity.WARNING,
        "A trial that the recording does not hold whole",
        "The recording was started late or stopped early, or the onset is wrong.",
        "The trial is shorter, or is left out.",
        "Nothing, if recording began late or was stopped early. Else correct onset_s "
        "and duration_s in the table of trials; both are in seconds.",
        "trials.csv line 4: subject 1 trial 3 lacks its last 2.5 s: the signals end "
        "there; assumed: the trial is used without them",
        assumed="what is named is left out, all else is used",
    ),
    Code(
        "T13",
        Severity.NOTE,
        "Markers and events that are not used",
        "The file holds markers that no row of the table names.",
        "None, if they are of no meaning for the trials.",
        "Nothing, unless trials begin there: then name them in the column marker of "
        "the table of trials.",
        "a.xdf: 12 markers are not used, since no row of the table names them: start "
        "(6 times), stop (6 times)",
        assumed="they are passed over",
    ),
    Code(
        "T14",
        Severity.WARNING,
        "A trial of another length than documented",
        "The copy was changed, or the recording was stopped early.",
        "The trial gives fewer segments than those of others.",
        "Nothing, if recording was stopped early. Else download the file again.",
        "1 trial has signals of another length than the other subjects have at the "
        "same video: P01_4 (62.0 s, usually 85.3 s); assumed: they are used in full",
        assumed="they are used in full",
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
        assumed="each is used as long as it was shown",
    ),
    Code(
        "T16",
        Severity.NOTE,
        "Trigger codes that are not complete",
        "A code was lost or sent twice.",
        "A trial that cannot be placed is left out, and is named.",
        "Nothing.",
        "s01: the trigger codes of a trial do not occur equally often in the status "
        "channel: 40 times code 2, 41 times code 3, 40 times code 4, 40 times code 5; "
        "assumed: a trial begins at a code 4 (the video starts), and ends a minute "
        "later or at the next code",
        assumed="a trial that cannot be placed is left out, and is named",
    ),
    Code(
        "T20",
        Severity.ERROR,
        "A time that is not a number",
        "A cell of the column of times is empty or holds a word.",
        "The samples concerned cannot be placed in time.",
        "Nothing, if they are of no use: --accept T20. Else write their times into "
        "the file.",
        "a.csv: a time is not a number, or is empty, in 1 of 3072 samples: 'lost' in "
        "line 812; assumed: those samples are left out",
        assumed="those samples are left out",
    ),
    Code(
        "T30",
        Severity.ERROR,
        "A table without a column of time",
        "The column is called otherwise, or the export holds samples without times.",
        "Samples cannot be placed in time.",
        "Export the table with times, in a column time_s in seconds. If a column of "
        "another name holds them, name it in recordings.toml, under [tables], as time "
        '= "seconds".',
        "a.csv: no column of seconds called time_s, got Fp1, Fp2",
        assumed="it is not read, and what needs it is left out",
    ),
    Code(
        "T31",
        Severity.ERROR,
        "Two columns of time",
        "The clock of the device and that of the computer, or that of a stimulus.",
        "Samples would be placed by a clock that is chosen by its place.",
        'Name the right one in recordings.toml, under [tables], as time = "timestamp".',
        "a.csv: columns time and timestamp both look like the time of the samples, "
        "and differ",
        assumed="the finer of them is the time of the samples",
    ),
    Code(
        "T50",
        Severity.WARNING,
        "Trials that overlap",
        "Durations or onsets are wrong, or windows are cut with overlap.",
        "The same seconds count in two trials, which may stand in training and test.",
        "Correct onset_s or duration_s in the table of trials; both are in seconds. "
        "Nothing, if you mean them to overlap.",
        "trials.csv line 2: trial 1 of subject 1 ends 2 s after trial 2 begins in "
        "a.edf",
        assumed="both are used in full, so these seconds count twice",
    ),
    Code(
        "T51",
        Severity.ERROR,
        "Two trials of a subject in the same seconds",
        "The column that says when trials begin is absent or has another name.",
        "Both trials would have the same signals, with other ratings.",
        "Write into each row when its trial begins: the second into onset_s, or a "
        "marker of the file into marker.",
        "trials.csv lines 2 and 3: trials 1 and 2 of subject 01 both begin at 0 s of "
        "a.edf",
        assumed="both are read, with the same signals",
    ),
    Code(
        "T52",
        Severity.ERROR,
        "Trials without an end",
        "Neither the table nor the marker says how long a trial lasts, and others "
        "follow it.",
        "Each trial would hold those after it.",
        "Write how long each trial lasts, in seconds, into the column duration_s of "
        "the table of trials; in BIDS into duration of events.tsv.",
        "trials.csv lines 2, 3: the length of 2 trials is not stated, and other "
        "trials follow in a.edf",
        assumed="each lasts to the end of the recording",
    ),
    Code(
        "T53",
        Severity.WARNING,
        "Rated events without a duration",
        "duration is n/a or 0 in events.tsv.",
        "The trial may be longer than the stimulus was.",
        "Write how long each event lasts, in seconds, into the column duration of "
        "events.tsv.",
        "sub-01_task-film_events.tsv line 2: the duration of 1 of 2 rated events is "
        "n/a or 0",
        assumed="each lasts to the end of the recording",
    ),
)
