"""Tests that what people read is written in plain words.

``words.txt`` beside this file lists what is refused, with a better word.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")
    ),
    *sorted((ROOT / "docs").glob("*.md")),
]
SOURCE = ROOT / "src" / "deepvanet"
MODULES = sorted(SOURCE.rglob("*.py"))
TEMPLATES = sorted(SOURCE.rglob("*.html"))
AXES = {"Bool", "Float", "Float32", "Float64", "Int", "Shaped", "UInt8"}
"""Types of arrays, whose texts are names of axes."""


def read_words():
    """Return the regular expression of each line, and what is better."""
    found = {}
    for line in (Path(__file__).parent / "words.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, better = (part.strip() for part in line.split("->"))
            spaced = pattern.replace(" ", r"\s+")
            found[re.compile(rf"\b(?:{spaced})\b", re.IGNORECASE)] = better
    return found


WORDS = read_words()


def find_words(prose):
    """Return a complaint for each refused word of line numbers and their texts."""
    found = []
    for first, text in prose:
        for pattern, better in WORDS.items():
            for match in pattern.finditer(text):
                line = first + text.count("\n", 0, match.start())
                word = " ".join(match[0].split())
                found.append((line, f"line {line}: {word!r}; write: {better}"))
    return [complaint for _, complaint in sorted(found)]


def blank(pattern, text):
    """Remove what is no prose, and keep the line breaks."""
    return re.sub(
        pattern, lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL
    )


def read_page(text):
    """Return the prose of a page in Markdown: no code, no addresses."""
    text = blank(r"```(?!\{).*?```", text)
    text = blank(r"\]\([^)]*\)", text)
    return [(1, blank(r"`[^`]*`", text))]


def read_template(text):
    """Return the prose of a page in HTML: no scripts, no tags, no expressions."""
    for part in (r"<script.*?</script>", r"\{%.*?%\}|\{#.*?#\}", r"\{\{.*?\}\}"):
        text = blank(part, text)
    return [(1, blank(r"<[^>]*>|<code>.*?</code>", text))]


def spell_text(node):
    """Return a text, with ``{}`` for what an f-string puts into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(spell_text(part) or "{}" for part in node.values)
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else ""


def read_code(text):
    """Return the prose of a module: comments, and texts of more than one word."""
    tree = ast.parse(text)
    axes = {
        id(node)
        for subscript in ast.walk(tree)
        if isinstance(subscript, ast.Subscript)
        and getattr(subscript.value, "id", "") in AXES
        for node in ast.walk(subscript.slice)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    texts = [
        (node.lineno, blank(r"``[^`]*``|:func:`[^`]*`|--[\w-]+", said))
        for node in ast.walk(tree)
        if id(node) not in axes | parts and " " in (said := spell_text(node)).strip()
    ]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]
    return texts + comments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_documentation_is_in_plain_words(page):
    assert find_words(read_page(page.read_text())) == []


@pytest.mark.parametrize("page", TEMPLATES, ids=lambda page: page.name)
def test_the_pages_are_in_plain_words(page):
    assert find_words(read_template(page.read_text())) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_docstrings_comments_and_messages_are_in_plain_words(module):
    assert find_words(read_code(module.read_text())) == []


def test_a_refused_word_is_found_in_every_kind_of_text():
    assert len(find_words(read_page("Nobody\nmade `nobody` a [film](film.md)."))) == 2
    assert find_words(read_template("<p title='film'>a\nhum</p>{{ draw }}")) == [
        "line 2: 'hum'; write: mains noise"
    ]
    code = '"""A film."""\n\ndraw: Float[A, "b draw"] = 1  # lest it\n'
    assert [found.split(";")[0] for found in find_words(read_code(code))] == [
        "line 1: 'film'",
        "line 3: 'lest'",
    ]
    assert find_words(read_code('x = f"Nobody {k:02d}"\n')) == [
        "line 1: 'Nobody'; write: no one, no subject, not yet"
    ]
    assert find_words([(1, "Its rest is taken\noff.")]) != []
    assert MODULES
    assert TEMPLATES
