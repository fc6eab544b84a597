"""What the documentation says is true: paths, commands, parameters, columns, codes."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from semtrace.cli.main import main
from semtrace.config import docs, grid, params
from semtrace.core.grouping import groups
from semtrace.core.tracing import decision
from semtrace.io import images
from semtrace.provenance.reasons import REASONS
from semtrace.release.contents import LEFT_OUT_REASONS
from semtrace.release.describe import EVIDENCE
from semtrace.release.gates import GATES

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "src" / "semtrace"
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
DOCS = [*(PROJECT / name for name in PAGES), *sorted((PROJECT / "docs").glob("*.md"))]
MADE = {"match=calibrated", "labels=mine"}  # made by `semtrace calibrate`, and by a person; tests of both compose it
MADE_BY = "made by "  # in the file tree: appears when something is run, and Git ignores it


@cache
def files() -> list[str]:
    """Every file that is or would be in Git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (PROJECT / name).exists()]


@cache
def code(file: Path) -> tuple[str, ...]:
    """The lines of code blocks and the code spans of a Markdown file."""
    text = file.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return tuple(line for block in blocks for line in block.splitlines()) + tuple(spans)


# --- the file tree


def tree() -> dict[str, str]:
    """Paths of the file tree in CONTRIBUTING.md and their comments."""
    page = (PROJECT / "CONTRIBUTING.md").read_text()
    block = re.search(r"^## File tree$.*?^```text\n\S+/\n(.*?)^```", page, re.M | re.S)
    assert block, "CONTRIBUTING.md has no file tree"
    entries, parents = {}, []
    for line in block[1].splitlines():
        drawn = re.fullmatch(r"((?:│   |    )*)[├└]── (\S+) +(\S.*)", line)
        assert drawn, f"not a line of a commented tree: {line!r}"
        parents = [*parents[: len(drawn[1]) // 4], drawn[2]]
        entries["".join(parents)] = drawn[3]
    return entries


def test_the_file_tree_names_what_exists():
    missing = [path for path, comment in tree().items() if MADE_BY not in comment and not (PROJECT / path).exists()]
    assert not missing, "in the file tree of CONTRIBUTING.md, but not there"
    folders = [path for path in tree() if (PROJECT / path).is_dir() != path.endswith("/") and (PROJECT / path).exists()]
    assert not folders, "a folder ends with a slash, a file does not"


def test_what_the_file_tree_calls_made_is_ignored_by_git():
    made = [path for path, comment in tree().items() if MADE_BY in comment]
    # What is in a folder counts: DVC must look into data/releases/ itself.
    made = [
        path.rstrip("/") if (PROJECT / path.rstrip("/")).is_symlink() else path + "x" * path.endswith("/")
        for path in made
    ]
    check = subprocess.run(["git", "check-ignore", *made], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert made == check.stdout.splitlines()


def test_the_file_tree_names_all_that_matters():
    named = set(tree())
    top = {name.split("/")[0] for name in files()}
    rooms = {path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py") if path.parent != SOURCE}
    packages = {f"{SOURCE.relative_to(PROJECT)}/{room}/" for room in rooms}
    modules = {str(path.relative_to(PROJECT)) for path in SOURCE.glob("[!_]*.py")}
    groups = {f"{path.relative_to(PROJECT)}/" for path in (PROJECT / "conf").iterdir() if path.is_dir()}
    unnamed = {name for name in top if not any(path.rstrip("/").split("/")[0] == name for path in named)}
    unnamed |= (packages | modules | groups) - named
    assert not unnamed, "add it to the file tree in CONTRIBUTING.md, with a comment"


def test_architecture_names_every_module():
    table = re.search(r"^## Modules$(.*?)^## ", (PROJECT / "docs/architecture.md").read_text(), re.M | re.S)
    named = re.findall(r"^\| `(\S+)` \|", table[1], re.MULTILINE)
    assert len(named) == len(set(named))
    assert not [name for name in named if not (SOURCE / name).exists()], "no such module any more"
    there = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("[!_]*.py")}
    folders = tuple(name for name in named if name.endswith("/"))
    assert not {name for name in there - set(named) if not name.startswith(folders)}, "add it to docs/architecture.md"


# --- commands, targets, parameters, links


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*arguments, "--help"])
    return capsys.readouterr().out


def test_every_command_exists_and_is_described(capsys):
    verbs = set(re.findall(r"^    ([a-z][a-z-]*)$|^    ([a-z][a-z-]*) ", helped(capsys), re.MULTILINE))
    verbs = {first or second for first, second in verbs}
    assert "inventory" in verbs
    shown = {file: set(re.findall(r"\bsemtrace ([a-z][a-z-]*)", "\n".join(code(file)))) for file in DOCS}
    everywhere = set().union(*shown.values())
    assert everywhere <= verbs, "the documentation shows a command that does not exist"
    assert verbs <= everywhere, "describe it in README.md or docs/"
    for verb in sorted(verbs):
        assert verb in helped(capsys, verb)


def test_an_installation_runs_the_code_of_the_project():
    """Otherwise an edit or `git pull` would run the old code; see own_code.py."""
    for file in (*DOCS, PROJECT / "Makefile", PROJECT / "Dockerfile"):
        for line in file.read_text().splitlines():
            for words in re.findall(r"pip install ([^`|]*)", line):
                own = re.search(r"(?:^|\s)['\"]?\.(?:\[|['\"\s$]|$)", words)
                assert not own or re.search(r"(?:-e|--editable) ['\"]?\.", words), f"{file.name}: {line}"


def test_every_option_shown_exists(capsys):
    for file in DOCS:
        for line in code(file):
            for verb, rest in re.findall(r"\bsemtrace ((?:curate )?[a-z][a-z-]*)([^#|]*)", line):
                words = [verb, rest.split()[0]] if verb == "watch" and rest.split() else verb.split()
                for option in re.findall(r" (--[a-z-]+)", rest):
                    assert option in helped(capsys, *words), f"{file.name}: {line}"


def test_make_targets_and_their_description_agree():
    targets = set(re.search(r"^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)[1].split())
    shown = {file: set(re.findall(r"\bmake ([a-z-]+)", "\n".join(code(file)))) for file in DOCS}
    everywhere = set().union(*shown.values())
    assert everywhere <= targets, "the documentation shows a target that does not exist"
    assert targets <= everywhere, "describe it in README.md or docs/"


def test_every_variable_that_the_makefile_uses_may_be_given():
    text = (PROJECT / "Makefile").read_text()
    known = re.search(r"^known := (.*)$", text, re.MULTILINE)[1].split()
    inner = {"name", "known", "given", "unknown", "said"}
    assert set(re.findall(r"\$\(([a-z_]+)\)", text)) - inner <= set(known)


def anchors(file: Path) -> set[str]:
    """Anchors of the headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", DOCS, ids=lambda p: p.name)
def test_links_and_pictures_resolve(file):
    for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
        path, _, anchor = target.partition("#")
        if not target.startswith(("http://", "https://")):
            assert (file.parent / path).exists() if path else True, f"{file.name}: {target}"
            assert not anchor or anchor in anchors(file.parent / path if path else file), f"{file.name}: {target}"


def overrides() -> set[tuple[str, ...]]:
    """Overrides shown in the documentation; those given together stay together."""
    section = "|".join(path.name for path in (PROJECT / "conf").iterdir() if path.is_dir())
    word = rf"(?<![\w/])(?:curation/)?(?:{section})(?:\.\w+)*=[^\s\"'`|<>,;)]+"
    shown = set()
    for file in DOCS:
        for line in code(file):
            # Several values are no override of `semtrace params`, and `make curate` means curation/dataset.
            if "semtrace sweep" in line or "make curate" in line:
                continue
            if found := tuple(part for part in re.findall(word, line) if part not in MADE):
                shown.add(found)
    return shown


def test_the_overrides_shown_are_found():
    single = {word for group in overrides() for word in group}
    assert {"dataset=archive", "hash=phash16", "convert=flat", "fingerprint=sample", "labels=alphabetical"} <= single


def test_the_overrides_shown_compose():
    batches: list[list[str]] = []  # what is shown together stays together; few compositions, for speed
    for group in sorted(overrides()):
        keys = {word.partition("=")[0] for word in group}
        fitting = (batch for batch in batches if not keys & {word.partition("=")[0] for word in batch})
        batch = next(fitting, None)
        if batch is None:
            batches.append(batch := [])
        batch += group
    for batch in batches:
        params.composed(PROJECT / "conf", batch)


def test_the_sweeps_shown_expand():
    shown = {line for file in DOCS for line in code(file) if line.startswith("semtrace sweep ")}
    assert len(shown) > 5
    for line in shown:
        words = [word for word in shlex.split(line, comments=True)[2:] if word != "-m"]
        assert len(grid.expand(PROJECT / "conf", PROJECT / "params.yaml", words).points) > 1, line


# --- tables and codes


@cache
def sections() -> dict[str, str]:
    """Text of docs/tables.md by the table it describes."""
    parts = re.split(r"^## `(\S+)`$", (PROJECT / "docs/tables.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def listed(table: str, header: str) -> list[str]:
    """First cells of the table headed ``header`` in the section of ``table``."""
    block = re.search(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", sections()[table], re.MULTILINE)
    assert block, f"docs/tables.md: {table} has no table headed {header!r}"
    return re.findall(r"^\| `(\w+)` \|", block[1], re.MULTILINE)


def test_the_columns_on_the_page_are_those_of_the_schemas():
    page = (PROJECT / docs.PAGE).read_text()
    assert docs.with_columns(page, docs.schemas().values()) == page, "run `python -m semtrace.config.docs`"
    for name, table in docs.schemas().items():  # each list stands in the section of its table
        assert listed(name, "column") == list(table.names)


LISTED = tuple(f"src/semtrace/{room}/" for room in ("provenance", "tuning", "release", "stage", "io", "discovery"))
"""Other houses describe their tables on their own pages."""


def test_every_schema_is_on_the_page():
    made = {
        node.args[0].value
        for file in files()
        if file.startswith(LISTED) and file.endswith(".py")
        for node in ast.walk(ast.parse((PROJECT / file).read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Table"
    }
    assert made == set(docs.schemas()), "name its module in config/docs.py"


def strings(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def syntax(name: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse((SOURCE / name).read_text())))


def reject_codes() -> set[str]:
    """Reason codes of rejects: given to ``Failure(reason, …)`` or to ``Reject(path, stage, reason, …)``."""
    found = set(get_args(images.Reason)) | {"unreadable", "symbolic_link", "not_a_file", "too_large"}  # by error number
    places = {"Failure": 0, "Reject": 2}
    for path in [*(SOURCE / "provenance").rglob("*.py"), *(SOURCE / "stage").rglob("*.py")]:
        for node in syntax(str(path.relative_to(SOURCE))):
            place = places.get(getattr(node.func, "id", "")) if isinstance(node, ast.Call) else None
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                found |= strings(node.args[place])
    return found


def decision_codes() -> set[str]:
    """Reasons of decisions: last in ``Decision(…)``, second in (outcome, reason), or given to ``reason``."""
    found = set()
    outcomes = set(get_args(decision.Outcome))
    for module in (
        "core/tracing/decision.py",
        "core/tracing/assignment.py",
        "core/tracing/both_ways.py",
        "provenance/tracing/trace.py",
    ):
        for node in syntax(module):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Decision":
                found |= strings(node.args[5]) if isinstance(node.args[5], ast.Constant) else set()
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "replace":
                found |= {
                    code for keyword in node.keywords if keyword.arg == "reason" for code in strings(keyword.value)
                }
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and strings(node.elts[0]) & outcomes:
                found |= strings(node.elts[1])
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "reason":
                found |= strings(node.value)
    return found


def reverse_codes() -> set[str]:
    """Reasons in the rows of the reverse table."""
    found = set()
    for node in syntax("provenance/tracing/mapping.py"):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "reason":
                    found |= strings(value)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            found |= strings(node.value) if strings(node.targets[0].slice) == {"reason"} else set()
    return found


def test_every_reason_is_described():
    assert set(listed("rejects.csv", "reason")) == reject_codes()
    assert set(listed("jpeg_to_tiff.csv", "reason")) == decision_codes()
    assert set(REASONS) == decision_codes(), "the review page and the report say it in words: provenance/reasons.py"
    assert set(listed("tiff_to_jpeg.csv", "reason")) == reverse_codes()


def test_every_evidence_is_described_in_the_order_of_its_strength():
    proofs = [proof for proof in get_args(decision.Proof) if proof]
    assert listed("jpeg_to_tiff.csv", "evidence") == [*proofs, "ssim", "blocks", "hamming"]


def test_every_evidence_of_a_group_is_described_in_the_order_of_its_strength():
    assert listed("groups.csv", "evidence") == list(get_args(groups.Evidence))


def test_a_release_describes_its_columns_evidence_reasons_and_gates():
    assert set(listed("left_out.csv", "reason")) == set(LEFT_OUT_REASONS)
    assert set(EVIDENCE) == {*listed("jpeg_to_tiff.csv", "evidence"), "none"}
    gates = re.search(r"^\| gate \|.*\n\|[-|]+\n((?:\|.*\n)+)", (PROJECT / "docs/releases.md").read_text(), re.M)
    first_cells = [line.split("|")[1] for line in gates[1].splitlines()]
    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} == set(GATES)


def test_every_status_of_a_label_is_described():
    single = {"labelled", "conflict", *get_args(decision.Outcome)}
    assert set(listed("labels.csv", "status")) == single | {f"duplicate_{status}" for status in single}


# --- the text itself


def test_the_readme_is_read_in_minutes():
    assert len((PROJECT / "README.md").read_text().split()) <= 1800


def test_no_path_of_one_machine():
    private = re.compile(r"(?<![\w.})-])/(?:work|root|home/(?!<)\w+)/")
    found = []
    for name in files():
        try:
            text = (PROJECT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{n}: {line.strip()}" for n, line in enumerate(text.splitlines(), 1) if private.search(line)]
    assert not found


def test_a_claim_of_speed_says_how_to_measure_it():
    claim = re.compile(r"\d\s*(?:×|x|times)\s+(?:faster|as fast|slower|less)", re.IGNORECASE)
    for file in DOCS:
        for paragraph in re.split(r"\n\s*\n|\n(?=- )", file.read_text()):
            assert not claim.search(paragraph) or "make bench" in paragraph, f"{file.name}: {paragraph}"


def exists(name: str) -> bool:
    """Whether a dotted name leads to a module, or to a name within one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        path = PROJECT / "src" / "/".join(parts[:count])
        if path.is_dir() and count == len(parts):
            return True
        if path.is_dir():
            path /= "__init__"
        if (module := path.with_suffix(".py")).is_file():
            text = module.read_text(encoding="utf-8")
            return all(re.search(rf"\b{part}\b", text) for part in parts[count:])
    return False


def test_docstrings_and_docs_name_modules_that_exist():
    named = {
        name: file
        for file in [*SOURCE.rglob("*.py"), *DOCS]
        for name in re.findall(r"`(semtrace(?:\.\w+)+)`", file.read_text(encoding="utf-8"))
    }
    assert len(named) > 5
    assert {name: file for name, file in named.items() if not exists(name)} == {}
