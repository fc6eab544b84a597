"""Which sentences the linter of the pages names, and which it lets pass."""

from __future__ import annotations

import re

import pytest

from tests.meta import prose
from tests.meta.prose import MOST_WORDS, faults, sentences

WORDS = [f"Word{n}" for n in range(MOST_WORDS + 1)]
LONGEST = " ".join(WORDS[:-1])
LONGER = " ".join(WORDS)


def named(markdown: str) -> list[tuple[int, str]]:
    return [(fault.line, fault.rule.partition(",")[0]) for fault in faults("page.md", markdown)]


def test_a_sentence_of_25_words_passes_and_one_of_26_is_named():
    assert faults("page.md", f"{LONGEST}.") == []
    [fault] = faults("docs/page.md", f"# Title\n\nShort. {LONGER}.")
    assert str(fault) == f"docs/page.md:3: 26 words, at most 25: {LONGER}."


@pytest.mark.parametrize(
    ("markdown", "line"),
    [
        (f"First one.\nSecond\none. {LONGER}.\nLast one.", 3),  # where the sentence begins, in a paragraph of lines
        ("Before.\n" + LONGER.replace(" ", "\n"), 2),
        (f"- an item\n- {LONGER}", 2),
        (f"| a | b |\n|---|---|\n| cell | cell |\n| cell | {LONGER} |", 4),
        (f"> {LONGER}", 1),
        (f"- [{LONGER}](there.md)", 1),
        (f"**Lead.** {LONGER}", 1),
    ],
)
def test_a_long_sentence_is_named_wherever_it_stands(markdown, line):
    assert named(markdown) == [(line, "26 words")]


@pytest.mark.parametrize(
    "markdown",
    [
        f"```bash\n{LONGER}\n```",
        f"Run `{LONGER}`.",
        f"![{LONGER}](picture.png)",
        f"<!-- {LONGER} -->",
        f"See [this page](https://example.org/{LONGER.replace(' ', '/')}).",
        f"{' '.join(WORDS[:20])}. {' '.join(WORDS[:20])}.",
        f"{' '.join(WORDS[:20])} (as here.) `code` {' '.join(WORDS[:20])}.",
        f"| {' '.join(WORDS[:20])} | {' '.join(WORDS[:20])} |\n|---|---|\n",
        f"- {' '.join(WORDS[:20])}\n- {' '.join(WORDS[:20])}",
        f"{LONGEST} - ± |",  # signs are no words
    ],
)
def test_code_pictures_and_short_neighbours_pass(markdown):
    assert faults("page.md", markdown) == []


def test_a_code_span_counts_as_one_word():
    assert named(f"{LONGEST} `two words`.") == [(1, "26 words")]


def test_an_abbreviation_or_a_decimal_ends_no_sentence():
    assert [
        sentence for _, sentence in sentences("At 0.5 px, e.g. SEM, as usual. Then 2.5.1 follows. semtrace ends.")
    ] == [
        "At 0.5 px, e.g. SEM, as usual.",
        "Then 2.5.1 follows.",
        "semtrace ends.",
    ]


@pytest.mark.parametrize(
    "phrase",
    [
        "It counts what it got right.",
        "An own server is chosen by a variable.",
        "It runs as a user without\nrights.",
        "The release is what it was.",
        "A published picture is a JPEG.",
    ],
)
def test_a_forbidden_phrase_is_named_with_the_plain_one(phrase):
    [fault] = faults("page.md", phrase)
    assert re.fullmatch(r'not "[^"]+"; say: .+', fault.rule)


@pytest.mark.parametrize("fragment", ["In `data/work/`.", "One row for each file that has a hash."])
def test_a_place_or_a_row_without_a_verb_is_named(fragment):
    assert named(f"A verb stands here. {fragment}") == [(1, "a fragment; give it a verb")]
    assert named(f"The table is here. It has {fragment[0].lower()}{fragment[1:]}") == []


def test_the_same_words_in_code_or_within_other_words_pass():
    assert faults("page.md", "`An own server` unpublished picturesque changes.") == []


def test_every_page_left_for_later_exists_and_the_rest_is_read(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("A short page.")
    (tmp_path / "docs/a.md").write_text(LONGER)
    monkeypatch.setattr(prose, "PROJECT", tmp_path)
    monkeypatch.setattr(prose, "LATER", ())
    assert prose.main() == 1
    assert capsys.readouterr().out.startswith("docs/a.md:1: 26 words")
    monkeypatch.setattr(prose, "LATER", ("docs/a.md",))
    assert prose.main() == 0
    assert capsys.readouterr().out == "prose: OK\n"
