"""Codes on ratings, and on the table of trials."""

from deepvanet.findings.record import Code, Severity

RATINGS = (
    Code(
        "R01",
        Severity.ERROR,
        "A column whose name is near to a known one",
        "The column is spelt as in another program, or has a mistake.",
        "It would be kept as a column of no meaning, and its numbers not used.",
        "Rename the column in the table of trials.",
        "trials.csv column onset: not known, the nearest is onset_s",
        assumed="it is kept with the trials, but not used",
    ),
    Code(
        "R02",
        Severity.NOTE,
        "A column that is not used",
        "It is of no meaning here.",
        "None: it is kept beside the trials.",
        "Nothing, unless it should be used: then give it the name that "
        "docs/recordings.md states.",
        "trials.csv: 2 columns are kept, not used: age, notes",
        assumed="it is kept with the trials, but nothing is computed from it",
    ),
    Code(
        "R03",
        Severity.ERROR,
        "Two columns of one name",
        "The table was joined from two.",
        "One of the two would win by its place.",
        "Delete one of the two columns, or rename it.",
        "trials.csv: two columns are called valence",
        assumed="the first of them is used",
    ),
    Code(
        "R04",
        Severity.WARNING,
        "Ratings that never change",
        "A person rated all trials alike, or a default was stored.",
        "There is nothing to learn of this person.",
        "Ask how the ratings were made. If a default was stored, empty the cells, or "
        "leave the subject out with --exclude SUBJECT.",
        "trials.csv subject 3: valence is 5 in all 20 trials",
        assumed="the ratings are used as they are",
    ),
    Code(
        "R05",
        Severity.WARNING,
        "One class only",
        "By the label rule, all trials are high or all are low.",
        "No score can be computed for this subject.",
        "Choose another label rule, as --label-rule median of evaluate, or test on "
        "other people only, with --protocol subject.",
        "trials.csv subject 3: arousal is high in all 20 trials by the rule >5, so "
        "there is one class only",
        assumed="the ratings are used as they are",
    ),
    Code(
        "R06",
        Severity.NOTE,
        "A trial without a rating, or with one of two",
        "The person gave none.",
        "The trial is left out, or left out for valence or arousal only.",
        "Nothing, if none was given. Else write it into the table.",
        "trials.csv: 1 trial has no rating and is left out: subject 1 trial 3",
        assumed="the trial is left out",
    ),
    Code(
        "R07",
        Severity.WARNING,
        "A subject with few trials",
        "The session was stopped early.",
        "Scores of this subject are hardly more than chance can give.",
        "Nothing, if you test on other people only (evaluate --protocol subject). "
        "Else leave the subject out with --exclude SUBJECT, unless trials are missing "
        "by mistake.",
        "trials.csv subject 3: 4 trials are used, at least 8 are needed to train and "
        "test within the subject",
        assumed="the subject is used",
    ),
    Code(
        "R08",
        Severity.WARNING,
        "One order of stimuli for all",
        "Stimuli were not shown in random order.",
        "Time since the start predicts the stimulus, and so the label.",
        "Nothing can be done in the data. State it where you publish scores, beside "
        "those of stimulus-prior, which evaluate always scores: it guesses from the "
        "stimulus alone.",
        "all 20 subjects saw the 16 stimuli in one order, so effects of time and of a "
        "stimulus cannot be separated",
        assumed="the trials are used as they are",
    ),
    Code(
        "R09",
        Severity.WARNING,
        "A scale that looks like another",
        "No rating is above 5 on a scale from 1 to 9, or all are whole numbers to 5.",
        "Nearly all trials would count as low.",
        "If ratings were given on another scale, state it in recordings.toml, as "
        "rating_range = [1, 5]. Else nothing.",
        "trials.csv: no rating of valence is above 5, on a scale from 1 to 9",
        assumed="the scale is as stated",
    ),
    Code(
        "R10",
        Severity.ERROR,
        "A rating outside of the scale",
        "The scale is another, or the cell has a mistake.",
        "The rating cannot be mapped to 1 to 9.",
        "Correct the cell; or, if ratings have another scale, state it in "
        "recordings.toml, as rating_range = [1, 5].",
        "trials.csv line 4: valence must be from 1 to 9, got 11",
        assumed="these ratings are left out",
    ),
    Code(
        "R11",
        Severity.WARNING,
        "Ratings that belong to a person",
        "Each person has one label over all trials, as a diagnosis or a group.",
        "A protocol that has a subject on both sides leaks.",
        "Test on other people only: deepvanet evaluate STORE --out RUN --protocol "
        "subject.",
        "valence: each of 20 subjects has one label over all its trials (by >=5): a "
        "model could learn who a person is, not what the person felt",
        assumed="the ratings are used as they are",
    ),
    Code(
        "R12",
        Severity.NOTE,
        "Ratings are mapped to 1 to 9",
        "recordings.toml states another scale.",
        "None.",
        "Nothing, if ratings were given on that scale. Else correct rating_range in "
        "recordings.toml.",
        "recordings.toml rating_range: ratings from 1 to 5 are mapped to 1 to 9, "
        "linearly",
        assumed="the numbers that follow are on the scale from 1 to 9",
    ),
    Code(
        "R13",
        Severity.WARNING,
        "Labels that contradict the table of ratings",
        "The copy was changed.",
        "Ratings are taken from the table.",
        "Nothing, if you changed the copy yourself. Else download it again.",
        "labels in the .dat files differ from participant_ratings.csv in 3 of 40 "
        "trials: s01 trial 03, s01 trial 04, s01 trial 09",
        assumed="the ratings of the table are used",
    ),
    Code(
        "R14",
        Severity.NOTE,
        "A label rule of the recordings",
        "recordings.toml states it.",
        "Only check judges ratings by it.",
        "Give the same rule to evaluate, as --label-rule '>=5'.",
        "recordings.toml states the label rule >=5; assumed: check judges ratings by "
        "it; evaluate does not read it; what to do: give it to evaluate as "
        "--label-rule '>=5'",
        assumed="check judges ratings by it; evaluate does not read it",
    ),
    Code(
        "R15",
        Severity.ERROR,
        "A key of recordings.toml that is not known",
        "The key is spelt otherwise, or stands in another section.",
        "What it states would not be used.",
        "Rename the key in recordings.toml, or move it, as the sentence says.",
        "recordings.toml: unknown key 'rating_scale', did you mean 'rating_range'?",
        assumed="what it states is not used",
    ),
    Code(
        "R16",
        Severity.WARNING,
        "Ratings that are no numbers",
        "Cells of a documented table are empty or hold a word.",
        "The trials concerned have no such label.",
        "Download the table of ratings again, or correct the cells.",
        "participant_ratings.csv: valence is no number from 1 to 9 in 1 of 1280 "
        "trials: subject 01 trial 3",
        assumed="no label is made for these trials",
    ),
    Code(
        "R17",
        Severity.WARNING,
        "A label rule that is not known",
        "recordings.toml has a mistake in label_rule.",
        "check judges ratings by the usual rule.",
        'Correct label_rule in recordings.toml, as label_rule = ">=5".',
        "recordings.toml: unknown label rule '>x'. Known forms: >=5 >5 <4,>6 median; "
        "assumed: check judges ratings by >=5",
        assumed="check judges ratings by the usual rule",
    ),
    Code(
        "R20",
        Severity.ERROR,
        "Rows of another length than the header",
        "A comma in a cell without quotation marks, a cell that is missing, or two "
        "tables in one file.",
        "Cells would stand under the header of another column.",
        "Put cells that hold a comma into quotation marks, and write all cells of a "
        "row.",
        "trials.csv line 4: 1 of 20 rows have more cells than the header, which has 7",
        assumed="the cells stand under the columns in their order",
    ),
    Code(
        "R21",
        Severity.ERROR,
        "A table of trials that lacks what it needs",
        "It is another table, columns are called otherwise, or no row can be used.",
        "Nothing of it can be used.",
        "Add the column that the sentence names to the table of trials, or rename the "
        "one that holds it.",
        "trials.csv: column stimulus is missing, got subject, trial, bio, valence",
        assumed="no trial is read",
    ),
    Code(
        "R22",
        Severity.ERROR,
        "A cell that cannot be used",
        "It is empty, no number, or contradicts another one.",
        "The row is left out if the code is accepted.",
        "Correct the cell, or delete the row.",
        "trials.csv line 4: onset_s must be a number, got 'noon'",
        assumed="the row is left out",
    ),
    Code(
        "R23",
        Severity.ERROR,
        "A trial that stands in two rows",
        "A row was copied, or each session numbers its trials from 1.",
        "The second row would replace the first, or a trial would count twice.",
        "Give each trial of a subject a name of its own in the column trial, or "
        "delete one of the rows.",
        "trials.csv lines 2 and 9: trial 1 of subject 01 stands there twice",
        assumed="the first of the two rows is used",
    ),
    Code(
        "R24",
        Severity.WARNING,
        "Names that differ by case, blanks or zeros only",
        "One person, or one stimulus, is spelt in two ways.",
        "One person would be two subjects, and stand in training and test.",
        "If both are one, spell the name alike in all rows of the table. Else nothing.",
        "trials.csv: subjects S01, s01 differ by case, blanks or zeros only; assumed: "
        "they are two people",
        assumed="they are different",
    ),
    Code(
        "R25",
        Severity.ERROR,
        "A file that the table names and that is not there",
        "It was moved, is spelt otherwise, or is relative to another folder.",
        "The row, or its video, is left out if the code is accepted.",
        "Correct the cell: the path starts at the folder of the table, as "
        "signals/01.edf. Or empty the cell, if there is no such file.",
        "trials.csv line 4: bio 's01.edf' is not there (paths start at the folder of "
        "the table)",
        assumed="the row is left out",
    ),
    Code(
        "R26",
        Severity.ERROR,
        "A value of recordings.toml that is not understood",
        "It has another form than the documentation says.",
        "Nothing of the recordings can be read as it is meant.",
        "Correct the value in recordings.toml as the sentence says.",
        "recordings.toml: rating_range must be the lowest and the highest rating, for "
        "example [1, 5], got 5",
        assumed="nothing is read",
    ),
    Code(
        "R27",
        Severity.WARNING,
        "One second of a file that belongs to two subjects",
        "A file, or a marker in it, is named in the rows of another person.",
        "The same signals would be two people, and stand in training and test.",
        "Name each person's own file in the table of trials.",
        "trials.csv lines 2 and 9: subjects 01 and 02 both have a trial that begins "
        "at 4 s of a.edf",
        assumed="both are read, with the same signals",
    ),
    Code(
        "R29",
        Severity.ERROR,
        "Two side-cars for one recording",
        "Two files of one folder apply to it by their names.",
        "One of them would win by its name.",
        "Delete the one that is not of this recording, or rename it after the "
        "recording that it belongs to, as sub-02_task-rest_events.tsv.",
        "sub-01_task-film_eeg.edf: task-film_events.tsv and sub-01_events.tsv both "
        "belong to it by their names, and only one may; assumed: task-film_events.tsv "
        "is used",
        assumed="the first of them is used",
    ),
    Code(
        "R30",
        Severity.WARNING,
        "Labels that belong to a stimulus",
        "Each stimulus has one label for all, as where the label says what it was made "
        "to evoke.",
        "The stimulus prior is right in every trial of a stimulus that it knows: a "
        "model could learn which stimulus was shown, not what the person felt.",
        "Evaluate with a protocol that holds out stimuli, and compare with the "
        "stimulus prior.",
        "valence: each of 15 stimuli has one label over all its subjects (by >=5): who "
        "knows the stimulus needs no signal",
        assumed="the trials are used as they are",
    ),
    Code(
        "R31",
        Severity.NOTE,
        "States that belong to a stimulus",
        "The state is what a condition was made to evoke, not what a person said.",
        "The stimulus prior is right in every trial, if states are what is learnt.",
        "Nothing; compare with the stimulus prior where scores are published.",
        "the state of each trial is that of its condition, the same for all subjects",
        assumed="the trials are used as they are",
    ),
    Code(
        "R40",
        Severity.NOTE,
        "Ratings that are the mean of a trace",
        "No one rated a whole trial: what was felt was said in every moment.",
        "A trial that moved up and down is rated as one that stayed in the middle.",
        "Nothing; the trace itself is kept beside the trial.",
        "the rating of a trial is the mean of its trace, whose scale is 0.5 to 9.5",
        assumed="a trial is rated if at least half of its trace is known",
    ),
)
