"""The rules of the ledger: what each says, and what to do about it (message ids; ``advice`` fills them in)."""

from __future__ import annotations

__all__ = ["RULES"]

# Rule -> what it says, what to do ("" where nothing is to be done).
RULES: dict[str, tuple[str, str]] = {
    "title row": ("titles, kept in the notes", ""),
    "header row": ("header rows", ""),
    "section row": ("headings of parts of the table, kept in the notes", ""),
    "fill-in row": ("fill-in and signature lines, kept in the notes", ""),
    "note row": ("notes", ""),
    "total row": ("totals and averages, checked and kept out of the table", ""),
    "form row": ("form lines with nothing but their number", ""),
    "blank row": ("blank rows", ""),
    "other row": ("rows of another table on the sheet", ""),
    "encoding": ("the text was not UTF-8 and was read all the same", ""),
    "unseen_characters": ("characters that nobody sees were taken out: {found}", ""),
    "look-alike names": (
        "“{found}” is written with letters that look like others",
        "type the name again, or confirm it in review.csv",
    ),
    "hidden_rows": ("hidden rows were read like the others", ""),
    "hidden_sheet": ("the sheet is hidden; it was read because it was asked for", ""),
    "formula_without_result": (
        "formulas without a stored result were read as blank",
        "open the file in a spreadsheet, save it and send it again",
    ),
    "merged_number": (
        "a number in merged cells was read in the first of their rows only",
        "give each row its own number",
    ),
    "column_without_label": (
        "columns without a label are called by their letters",
        "write a label above each column",
    ),
    "repeated header": ("{n} rows repeat the header: files pasted together", ""),
    "repeated_header": (
        "several columns are called {found}; the later ones were numbered #2, #3",
        "tell the columns apart by their labels",
    ),
    "unit_unclaimed": (
        "the sheet names the unit {found}, but no column is known to be meant",
        "write the unit in the header of its column, as in 经费(万元)",
    ),
    "total_rounding": (
        "the printed total or average {found} and the rows ({expected}) differ by rounding",
        "",
    ),
    "total_mismatch": (
        "the printed total or average is {found}, the rows give {expected}",
        "correct the total, or the row that is wrong",
    ),
    "row sum rounded": ("the sum {found} and its parts ({expected}) differ by rounding", ""),
    "row sum": ("the sum is {found}, its parts give {expected}", "correct whichever is wrong"),
    "sum column": ("a sum of the columns beside it, checked and left out", ""),
    "full_width": ("full-width characters read as {expected}", ""),
    "thousands": ("thousands separators removed", ""),
    "decimal_comma": ("the file writes decimals with a comma: {found} read as {expected}", ""),
    "unclear_comma": (
        "“{found}” may mean thousands or decimals; read as missing",
        "write the number without a sign between thousands",
    ),
    "group_filled": ("a name left blank below its first row was taken from there: {found}", ""),
    "apostrophe": ("the apostrophe before a number removed", ""),
    "accounting": ("a number in brackets read as negative", ""),
    "percent": ("per cent read as a share", ""),
    "percent_format": ("shown as per cent in the sheet, so {found} is a share already", ""),
    "unit_in_cell": ("a unit in the cell brought to the base unit", ""),
    "duration": ("a time span read in seconds", ""),
    "reciprocal": ("a reciprocal read as a number", ""),
    "month": ("a month read as its first day", ""),
    "serial": ("a spreadsheet's day number read as a date", ""),
    "packed": ("eight digits read as a date", ""),
    "missing": ("“{found}” read as missing", ""),
    "declared_missing": ("“{found}” is declared missing in the file; read as missing", ""),
    "declared_zero": ("“{found}” read as zero, as declared", ""),
    "base_unit": ("brought to the base unit: {found} is {expected}", ""),
    "approximate": ("the approximate number {found} was read as it stands", "ask for the exact number"),
    "month_or_october": (
        "{found} was read as January; it may be October, which a spreadsheet stores alike",
        "ask which month is meant",
    ),
    "none": ("“{found}” was read as missing", "write 0 if it means zero"),
    "error": ("the spreadsheet shows the error {found}; read as missing", "mend the formula"),
    "range": ("“{found}” is a range, not a number; read as missing", "ask for the number"),
    "lossy": (
        "“{found}” is a long code whose last digits a spreadsheet has lost; nothing was guessed",
        "format the column as text, enter the codes again and send the file again",
    ),
    "date_in_numbers": (
        "{found} is a date in a column of numbers (a spreadsheet turns 5-9 into a date); read as missing",
        "enter the number, with the cell formatted as text or number",
    ),
    "not_a_number": ("“{found}” is not a number; read as missing", "enter the number"),
    "not_a_date": ("“{found}” is not a date; read as missing", "write the date as 2019-10-08"),
    "percent_unknown": (
        "all numbers are at most 1 under a header in per cent; read as shares",
        "check whether per cent or shares were meant",
    ),
    "percent_small": (
        "all numbers are at most 1 under a header in per cent; read as per cent",
        "check whether shares were meant",
    ),
    "percent_mixed": (
        "numbers above 1 stand beside shares in per cent; left as they are",
        "write all of them in per cent, or all as shares",
    ),
    "ignored column": ("left out as declared in study.yaml", ""),
    "unknown column": (
        "no entry of study.yaml claims this column; its {n} values were left out",
        "add it to columns or to ignore in study.yaml",
    ),
    "column not in the codebook": (
        "the codebook does not claim this column; its {n} values were left out",
        "add it to the codebook (items, free_text, personal or ignore)",
    ),
    "missing column": (
        "no column has the name that study.yaml expects",
        "add the header to study.yaml, or mend the file",
    ),
    "ambiguous column": ("{n} columns have this name; none was read", "name the columns apart"),
    "column as last period": (
        "all {n} values are the same as last period's",
        "ask whether they were counted again",
    ),
    "column emptied": ("{n} units gave numbers last period, none does now", "send the numbers"),
    "letters for a number": (
        "“{found}” stands where a number is needed; kept as missing",
        "enter the number",
    ),
    "out of range": ("{found} lies outside the range; kept as missing", "check the cell"),
    "unreadable date": ("“{found}” is no date; left out", "write the date as 2019-10-08"),
    "unreadable duration": ("{n} cells are no duration; kept as missing", "check the export"),
    "unknown code": ("“{found}” is no code of the framework; the row was left out", "correct the code"),
    "unknown metric": (
        "no metric of the framework; its values are kept but score nothing",
        "add it to the framework, or take it out of study.yaml",
    ),
    "unknown list": ("{n} rows belong to none of need, resource, service; left out", "name the list"),
    "unknown option": (
        "answers that the codebook does not know ({found}); kept apart",
        "add the option to the codebook",
    ),
    "row without unit": ("{n} rows name no unit and were left out", "enter the name"),
    "incomplete row": ("{n} rows lack what is needed and were left out", "complete them, or take them out"),
    "row without key": (
        "{n} rows have no problem number and were left out",
        "enter the number of the problem",
    ),
    "unknown unit": (
        "a name that is no unit of the register ({found})",
        "settle the name once in review.csv",
    ),
    "type of unit": (
        "{n} units are called {found}, the register has {expected}",
        "correct the file, or enter the change of type in the register",
    ),
    "unknown district": (
        "“{found}” in the file's name is no district of the register",
        "rename the file, or settle the name in review.csv",
    ),
    "declared no unit": ("“{found}” is declared to be no unit; left out", ""),
    "fuzzy name": (
        "“{found}” was taken for {expected}",
        "if that is wrong, write the right unit in review.csv",
    ),
    "repeated row": ("the same row stands twice; the second was left out", "take out one of the two"),
    "contradicting row": (
        "two rows of the same unit contradict each other; what they differ in counts as missing",
        "take out the row that is wrong",
    ),
    "repeated across files": (
        "{n} rows stand in another file too ({found}), whose rows were kept",
        "remove one of the two",
    ),
    "same file twice": ("the file is {found} again, byte for byte", "ask the office for its own file"),
    "same person in another file": (
        "{n} answers are by persons who answered in {found} before; flagged duplicate",
        "",
    ),
    "other period named": ("the title names {found}", "ask whether the right file was sent"),
    "text pasted from last period": (
        "{n} written texts are last period's, word for word",
        "ask for this period's text",
    ),
    "pasted from last period": (
        "{n} units repeat every figure of last period ({found})",
        "ask whether they were counted again",
    ),
    "same figures": (
        "{n} units of one file share every figure ({found})",
        "ask whether one was copied from the other",
    ),
    "negative count": ("{n} values are negative", "correct them"),
    "rate above 100 %": (
        "{n} rates lie above 100 %",
        "correct them; if the column holds per cent, say so in its header",
    ),
    "part above whole": ("a part exceeds its whole in {n} units", "correct whichever is wrong"),
    "fraction of a count": (
        "{n} counts are no whole numbers",
        "check the unit of measure, or ask for the exact number",
    ),
    "unit slip": (
        "{n} values are a thousand times last period's or more, or so many times less",
        "check the unit of measure",
    ),
    "unit slip in a column": (
        "the whole column has moved by a power of ten: median {found} now, {expected} then",
        "write the unit of measure in the header, or correct the numbers",
    ),
    "jump": (
        "{n} values are ten times last period's or more, or so many times less",
        "ask whether this is true",
    ),
    "unit gone": (
        "{n} units of last period are in no file ({found})",
        "ask for them, or enter what became of them in unit_changes.csv",
    ),
    "unit new": (
        "{n} units were not there last period ({found})",
        "if they are new or renamed, enter that in unit_changes.csv",
    ),
    "unit missing": ("{n} communities of the register are in no file ({expected})", "ask for them"),
    "too few experts": (
        "{n} units were rated by too few experts ({found}); agreement cannot be shown for them",
        "ask for more ratings",
    ),
    "one score throughout": (
        "one rater gave the same score to all {n} ({found})",
        "ask whether the sheet was filled in",
    ),
    "due before found": ("{n} problems are due before they are found", "correct the dates"),
    "closed before found": ("{n} problems are closed before they are found", "correct the dates"),
    "reopened before closed": ("{n} problems are reopened before they are closed", "correct the dates"),
    "verified before closed": ("{n} problems are verified before they are closed", "correct the dates"),
    "no matrix": (
        "the sheet is no judgement matrix",
        "put labels in the first column and a column for each element",
    ),
    "matrix not square": (
        "{n} elements stand only in the rows or only in the columns; left out",
        "mend the matrix",
    ),
    "diagonal not 1": ("an element against itself is not 1; read as 1", ""),
    "beyond the scale": ("{found} lies outside 1/9 to 9", "ask the expert"),
    "not reciprocal": (
        "two mirrored judgements contradict each other ({found}); the pair counts as not judged",
        "ask the expert",
    ),
    "personal data in text": ("{n} places with personal data masked in text", ""),
    "personal column": ("{n} personal values removed with their column", ""),
    "free text": ("{n} texts stay behind intake", ""),
    "question not in file": (
        "no column asks this question; all its answers are missing",
        "check the export, or add the wording to the codebook",
    ),
    "no register": ("no register was given: units are as answered, not checked", ""),
    "unreadable file": ("could not be read: {found}", ""),
    "unclaimed file": (
        "no input of study.yaml claims this file; it was not read",
        "give it the name and type that are expected, or add an input",
    ),
    "outstanding": ("not sent yet: {found}", "ask for it"),
    "date for a fraction": ("a date is what a spreadsheet makes of {expected}; read so", "check the cell"),
    "entries differ": ("two keyings of the same questionnaires differ ({n})", "look them up on paper"),
    "half a matrix": (
        "{n} elements stand only in the rows or only in the columns ({found}); judgements come from there",
        "",
    ),
    "repeated number": (
        "{n} answers share their number with another one; kept",
        "check the export for answers that stand twice",
    ),
    "pairs below the whole": (
        "{n} rows that look like totals are judgements below the whole; used",
        "",
    ),
    "idle verdict": (
        "{n} verdicts belong to no disagreement of the entries; left out",
        "check the list of verdicts",
    ),
    "no second entry": (
        "keyed once only ({n} answers): no file fits {found}; they count, but nobody checked them",
        "send the second keying",
    ),
    "second entry alone": (
        "no first keying goes with this file; it was not read",
        "send the first, or rename this one",
    ),
    "entries not told apart": (
        "nothing tells which keying belongs to which ({found})",
        "name each stack of paper in its two files alike",
    ),
    "link not followed": (
        "a link out of the study, to a folder or to nothing; it was not followed",
        "put the file itself there",
    ),
    "keyed once": ("{n} questionnaires are keyed once only; kept", "key them again"),
    "second entry": ("{n} rows are the second keying", ""),
    "skipped": ("{n} were not asked by the questionnaire's routing; kept as missing", ""),
    "only ticks": ("only ticks are written: a tick counts as answered, a blank as missing", ""),
    "rejected answer": ("{n} answers were rejected as the codebook declares", ""),
    "test answer": (
        "{n} answers look like trials; kept",
        "name the cell under reject in the codebook to refuse them",
    ),
    "other table": ("“{found}” is another table ({n} rows); it was not read", ""),
    "unread sheet": ("the sheet “{found}” ({n} rows) holds no answers to the questions; left out", ""),
    "repeated sheet": (
        "every row of the sheet “{found}” ({n} rows) stands on other sheets too; read once",
        "send the rows once",
    ),
    "numbers unproven": (
        "{n} answers are bare numbers ({found}), and the codebook does not say which option has which number; kept as missing",
        "where the codebook lists every option of the form in its order, write numbers: options; otherwise list them under order",
    ),
    "numbers beyond": (
        "{n} answers are bare numbers ({found}) of which some have no option, so the codebook lacks options; kept as missing",
        "list every option of the form under order, also those nobody chose (null where the text is not known)",
    ),
    "numbers torn": (
        "{n} answers ({found}) may be options or numbers of options; kept as missing",
        "write numbers: values (the points themselves) or numbers: options at this question",
    ),
    "attention by number": (
        "the check question is answered by numbers ({found}), the codebook expects {expected}; nobody was flagged",
        "add the number of the option to expect",
    ),
    "torn ranking": (
        "{n} answers give one place twice or one option two places; their ranking is kept as missing",
        "check the export",
    ),
    "hidden_columns": ("hidden columns were read like the others", ""),
    "mixed_units": (
        "cells of one column name different units of measure",
        "write one unit in the header and plain numbers below",
    ),
    "unit_declared": (
        "the sheet's unit {found} was not used for these columns",
        "write the unit in the header where that is wrong",
    ),
    "unit_of_upper_level": (
        "the unit ({found}) printed in the header above was not used for this column",
        "",
    ),
    "unknown node": (
        "neither sheet nor corner names the node whose children are compared",
        "write its code there",
    ),
    "no slider": (
        "no column names two items of the framework",
        "write both codes into the header of each slider",
    ),
    "judgement without expert": ("{n} judgements name no expert and were left out", "enter the expert"),
    "judgement without number": ("{n} judgements below the whole hold no number; not made", "write 3 or 1/3"),
    "judgement without node": ("{n} judgements name no node and were left out", "enter its code"),
    "flag fast": ("{n} answers are flagged: too fast", ""),
    "flag straightline": ("{n} answers are flagged: the same answer throughout", ""),
    "flag duplicate": ("{n} answers are flagged: duplicate", ""),
    "flag attention": ("{n} answers are flagged: failed attention check", ""),
    "flag burst": ("{n} answers are flagged: many in a short time", ""),
    "flag out_of_frame": ("{n} answers are flagged: outside the survey frame", ""),
    "flag all_satisfied": ("{n} answers are flagged: clusters of nothing but the best answer", ""),
}
