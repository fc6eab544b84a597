"""Name each sentence of the pages that is too long, verbless or forbidden: `python -m tests.meta.prose`.

`make lint` runs it. Markdown is parsed: code blocks and pictures are left out, a code span counts as one word, and each
cell of a table and each item of a list stands alone. Three packages were tried. proselint judges typography, also
inside code, and sets no bound on sentences. Vale's package on PyPI downloads a program when it first runs. textstat
does not know Markdown and downloads a dictionary.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

PROJECT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md")
LATER: tuple[str, ...] = ()
"""Pages that are not held to the rules yet."""

MOST_WORDS = 25

INSTEAD_OF = {
    r"counts what it got right": "say: where you know some answers, it reports how often it was right",
    r"something speaks for": "say: not sure, for example two originals look equally alike",
    r"an own (server|folder|file|environment)": "say: to use your own server, set",
    r"without rights": "say: as a non-root user",
    r"is what it was": "say: OK",
    r"one of each content": "say: one copy of each picture",
    r"had to be opened": "say: All release checks passed",
    r"hangs? (on|together)": "say what links the files",
    r"torn apart": "say: separate",
    r"what (is|was) asked for": "name the thing",
    r"what (is|was|were) made": "name the thing",
    r"\(?make itself exits": "say: make always exits with 2 on failure",
    r"makes of (them|it)": "say: turns into",
    r"is given up": "name the timeout",
    r"made anew": "say: rebuilt, computed again",
    r"master images?": "say: original",
    r"source images?": "say: original",
    r"published (pictures?|files?|JPEGs?)": "say: published image",
    r"in order to": "say: to",
    r"utili[sz]e": "say: use",
    r"has no say": "say: is not used",
}
"""Phrases that no page may hold, as regular expressions over words, and the plain ones."""

_FRAGMENT = re.compile(
    r"(?:In|Beside|At|From|Of|By|On|Under|Yours)\b(?:\s\S+){0,4}[.]|(?:One|A) (?:row|line) for each\b.*"
)
"""A place without a verb, or a row without one: the fragments that can be told without a grammar."""
_SHORT = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|vs|cf|al|approx|Fig)\.$")  # a full stop that ends no sentence
_PLACE = "\ufffc"  # a code span: one word
_END = re.compile(r"[.!?…][)\"'”’]*(?=\s+[(\"'“‘]*(?:[A-Z0-9\ufffc]|semtrace\b))")
_FORBIDDEN = {re.compile(rf"\b{phrase}\b", re.IGNORECASE): plain for phrase, plain in INSTEAD_OF.items()}


class Fault(NamedTuple):
    """A sentence against a rule."""

    file: str
    line: int
    """From 1."""
    rule: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.sentence}"


def faults(file: str, markdown: str) -> list[Fault]:
    """The sentences of a page that break a rule, in the order of the page."""
    found = []
    for line, sentence in sentences(markdown):
        words = len(re.findall(r"\S*[\w\ufffc]\S*", sentence))
        if words > MOST_WORDS:
            found.append(Fault(file, line, f"{words} words, at most {MOST_WORDS}", sentence))
        if _FRAGMENT.fullmatch(sentence):
            found.append(Fault(file, line, "a fragment; give it a verb", sentence))
        for phrase, plain in _FORBIDDEN.items():
            if given := phrase.search(sentence):
                found.append(Fault(file, line, f'not "{given[0]}"; {plain}', sentence))
    return [fault._replace(sentence=fault.sentence.replace(_PLACE, "`…`")) for fault in found]


def sentences(markdown: str) -> Iterator[tuple[int, str]]:
    """Each sentence with its line, from 1; a code span is one placeholder."""
    line = 0
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        line = token.map[0] + 1 if token.map else line
        if token.type == "inline":
            yield from _split(line, _text(token))


def _text(inline: Token) -> str:
    """The words of a paragraph, heading or cell; line breaks stay."""
    kinds = {"code_inline": _PLACE, "softbreak": "\n", "hardbreak": "\n"}
    return "".join(kinds.get(part.type, part.content if part.type == "text" else "") for part in inline.children or ())


def _split(line: int, text: str) -> Iterator[tuple[int, str]]:
    start = 0
    ends = [end.end() for end in _END.finditer(text) if not _SHORT.search(text, 0, end.end())]
    for end in [*ends, len(text)]:
        sentence = text[start:end]
        before = text[:start] + sentence[: len(sentence) - len(sentence.lstrip())]
        if sentence.strip():
            yield line + before.count("\n"), " ".join(sentence.split())
        start = end


def main() -> int:
    """Print the faults of every page; 1 where there is one."""
    pages = [page for pattern in PAGES for page in sorted(PROJECT.glob(pattern))]
    names = {page: page.relative_to(PROJECT).as_posix() for page in pages}
    found = [
        fault
        for page, name in names.items()
        if name not in LATER or name in sys.argv[1:]
        for fault in faults(name, page.read_text(encoding="utf-8"))
    ]
    print("\n".join(map(str, found)) or "prose: OK")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
