"""``docs/checklist.md``, made from the table of properties.

``PYTHONPATH=tests python -m field.checklist > docs/checklist.md`` writes it; a test
compares the two.
"""

import sys
from collections.abc import Iterator

from deepvanet.findings import CODES
from field.properties import CELLS, PROPERTIES
from field.records import KINDS, Property

HEAD = """# Checklist of other people's recordings

What recordings of other people are like, and what `check`, `prepare` and `predict` make
of it: {n_properties} properties, in {n_cells} combinations with a format. A test writes
each of them with known numbers (`tests/field`), and fails if what is read differs from
them without a finding. Codes are those of [findings](findings.md).

- **right**: amplitudes, times, markers and missing samples are read as they were.
- **right as assumed**: `prepare` refuses; `--accept` with the code reads them right.
- **not read**: `prepare` refuses; `--accept` leaves out what is concerned.
- **said**: the finding is there; the numbers are not compared with others.
"""


def render_checklist() -> str:
    """Return the page of the documentation, in Markdown."""
    head = HEAD.format(n_properties=len(PROPERTIES), n_cells=len(CELLS))
    return "\n".join([head, *_list_kinds()])


def _list_kinds() -> Iterator[str]:
    for kind, title in KINDS.items():
        owned = [owner for owner in PROPERTIES if owner.kind == kind]
        yield f"## {title[0].upper()}{title[1:]}\n"
        yield "| property | what holds | findings | formats |"
        yield "|---|---|---|---|"
        for owner in owned:
            cells = (owner.odd, _judge(owner), _list(owner), ", ".join(owner.formats))
            yield f"| {' | '.join(cells)} |"
        yield ""


def _judge(owner: Property) -> str:
    is_error = any(CODES[code].severity == "error" for code in owner.codes)
    if owner.truth is None:
        return "not read" if is_error else "said" if owner.codes else "right"
    return "right as assumed" if is_error else "right"


def _list(owner: Property) -> str:
    codes = {*owner.codes, *(c for codes in owner.other.values() for c in codes)}
    ordered = [code for code in CODES if code in codes]
    return (
        ", ".join(f"[{code}](findings.md#{code.lower()})" for code in ordered) or "none"
    )


if __name__ == "__main__":
    sys.stdout.write(render_checklist())
