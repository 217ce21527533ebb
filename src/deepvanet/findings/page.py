"""``docs/findings.md``, made from the table of codes.

``python -m deepvanet.findings.page`` writes it; a test compares the two.
"""

import sys
from collections.abc import Iterator

from deepvanet.findings.codes import FAMILIES
from deepvanet.findings.record import Code

HEAD = """# Findings

`deepvanet check` reports what is odd in recordings, as a linter does for code.
`prepare`, `predict`, `explain` and `serve` read files by the same code and report the
same. Each finding has a code, which keeps its meaning in later versions.

- **error**: it cannot be read or placed in time, or two readings are equally likely.
  `prepare` refuses the data set before work starts, unless `--accept CODE` takes the
  assumption that the finding names, or `--exclude` leaves the subject out. Where
  nothing can be assumed, `--accept` leaves out what cannot be read.
- **warning**: it is read, but not plausible. Look at it before you believe a score.
- **note**: it is read as it should be; something is not used, or was assumed as usual.

More than three findings of one kind, as of each trial of a recording, are one line: the
first, and the places of the others. `check --json FILE` writes all of them for
programs; `--select` and `--ignore` choose by code or family, as `--select T,C05`.
Findings are written into the store, and the report shows them beside the scores.

Codes marked † need every frame of a video: `prepare` and `check --faces` find them,
plain `check` looks at some frames only.
"""


def render_page() -> str:
    """Return the page of the documentation, in Markdown."""
    return "\n".join([HEAD, *_list_codes(), *_describe_families()])


def _list_codes() -> Iterator[str]:
    yield "| code | severity | what |"
    yield "|---|---|---|"
    for _, codes in FAMILIES.values():
        for code in codes:
            link = f"[{code.code}](#{code.code.lower()})"
            mark = " †" if code.needs_every_frame else ""
            yield f"| {link}{mark} | {code.severity} | {code.title} |"
    yield ""


def _describe_families() -> Iterator[str]:
    for letter, (name, codes) in FAMILIES.items():
        yield f"## {letter}: {name}\n"
        for code in codes:
            yield _describe(code)


def _describe(code: Code) -> str:
    return "\n".join(
        [
            f"({code.code.lower()})=",
            f"### {code.code} {code.title} ({code.severity})\n",
            f"- Cause: {code.cause}",
            f"- Consequence: {code.consequence}",
            f"- Assumed, if a finding does not say otherwise: {code.assumed}.",
            f"- What to do: {code.cure}",
            f"- Example: `{code.example}`\n",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(render_page())
