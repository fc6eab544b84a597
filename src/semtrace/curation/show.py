"""show: the result as a page from disk: funnel, sheets of patches, maps, histograms; each figure with its numbers."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from semtrace.core.hashing.patch_hash import hashes_from_hex
from semtrace.core.volume.box import Box
from semtrace.core.volume.location import parse_location
from semtrace.curation import funnel_figures as figures
from semtrace.curation import tables as contracts
from semtrace.curation.crop import CropInputs, crop_inputs
from semtrace.curation.cut_blocks import IN_2D
from semtrace.curation.funnel import ALL, Result, against_truth, funnel_rows, outcome_of_all, read_result, step_sums
from semtrace.curation.recut import PatchSources, group_patches, patches_of
from semtrace.curation.section import shape_of
from semtrace.curation.sheets import SHEET_ACROSS, sheet_png
from semtrace.curation.sources import voxel_sides
from semtrace.curation.train_figures import CLASSIFIER_CAPTIONS, draw_classifier
from semtrace.io import tables
from semtrace.io.columns import Columns, take_rows
from semtrace.io.files import write_staged
from semtrace.io.images import UnreadableImage
from semtrace.io.schema import Column, Table
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume
from semtrace.stage.declaration import Job
from semtrace.stage.settings import Section, Whole
from semtrace.web.assets import STYLE, asset

_TRUTH = Table(
    "patches.csv", 1, tuple(Column(name, "text", "") for name in ("volume", "axis", "index", "y0", "x0", "informative"))
)
_POLICY = "default-src 'none'; img-src 'self' file:; style-src 'self' file:; base-uri 'none'; form-action 'none'"
_PAIRS = 20_000
_MORE_STYLE = """
main { max-width: 76rem; }
figure { margin: 0 0 1rem; } figure img { max-width: 100%; height: auto; display: block; background: #fff; }
figure.sheet-picture img { background: none; image-rendering: auto; }
table { border-collapse: collapse; }
th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; min-width: 9rem; }
figcaption { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
"""


class Settings(Section, section="curation.show"):
    """What the page shows (conf/curation/show).

    Attributes:
        tiles: at most so many patches on a sheet.
        maps: at most so many volumes have a map.
        csv: write the Parquet tables as CSV too.
    """

    tiles: Annotated[Whole, Field(ge=1)] = 40
    maps: Annotated[Whole, Field(ge=0)] = 50
    csv: bool = False


@dataclass(frozen=True)
class Summary:
    """The funnel in numbers."""

    raw: int
    gated: int
    deduplicated: int
    removed: int
    unsure: int
    filtered: int
    truth: dict[str, Any]
    page: str


class _Sheet(NamedTuple):
    key: str
    title: str
    names: list[str]


def stage(job: Job) -> Summary:
    """The page of a dataset."""
    truth = job.known / "patches.csv"
    reading = job.params.import_volumes.reading()
    return run(crop_inputs(job), job.work, truth if truth.is_file() else None, job.params, reading)


def run(inputs: CropInputs, work: Path, truth: Path | None, params: Any, reading: ReadingChoices) -> Summary:
    """Write ``index.html`` with all that it shows to the folder ``show`` of ``work``.

    Args:
        inputs: where the pixels are.
        work: folder of the results, the classifier's among them.
        truth: what is known of generated patches; None: nothing.
        params: settings of the stages; those of ``show``, ``crop``, ``deduplicate`` and ``classify`` count.
        reading: how volumes are read, as at import.

    Raises:
        AccountingError: the funnel does not add up.
    """
    settings: Settings = params.show
    result = read_result(work)
    rows = funnel_rows(result)
    outcomes = outcome_of_all(result)
    known = against_truth(outcomes, tables.read(truth, _TRUTH)) if truth is not None else None
    out = work / "show"
    with staged_folder(out) as folder, scratch_folder(out.with_name(f".{out.name}.scratch")) as scratch:
        sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        tables.write(folder / contracts.FUNNEL.name, contracts.FUNNEL, rows, sort=False)
        drawn = {"funnel": figures.draw_funnel(rows), "datasets": figures.draw_datasets(rows)}
        drawn |= _histograms(result, params) | _by_kind(work)
        classifier = draw_classifier(work / "train")
        maps = _maps(result, sources, settings.maps)
        for name, one in (drawn | classifier | maps).items():
            write_staged(folder / f"{name}.png", one.png)
            write_staged(folder / f"{name}.csv", one.csv)
        mistakes = _copy_mistakes(work / "train", folder)
        made = _write_sheets(folder, result, _sheets(result, settings.tiles), sources)
        if settings.csv:
            _export(folder, result)
        write_staged(folder / STYLE, asset(STYLE))
        write_staged(folder / "show.css", _MORE_STYLE.encode())
        numbers = {**step_sums(rows), "truth": known or {}}
        write_staged(folder / "funnel.json", (json.dumps(numbers, indent=2) + "\n").encode())
        write_staged(folder / "summary.txt", _summary_text(rows, known, out).encode())
        write_staged(folder / "index.html", _page(rows, known, classifier, maps, made, mistakes=mistakes).encode())
    total = step_sums(rows)
    return Summary(
        total["raw"], total["gated"], total["deduplicated"], total["removed"], total["unsure"], total["filtered"],
        known or {}, str(out / "index.html"),
    )  # fmt: skip


def _copy_mistakes(trained: Path, folder: Path) -> bool:
    """Take the sheet of the classifier's worst mistakes over; whether there is one."""
    if not (trained / "mistakes.png").is_file():
        return False
    for name in ("mistakes.png", "mistakes.csv"):
        write_staged(folder / name, (trained / name).read_bytes())
    return True


def _histograms(result: Result, params: Any) -> dict[str, figures.DrawnNumbers]:
    every = list(result.tables.values())
    structure = np.concatenate([np.empty(0), *(columns["structure"] for columns in every)])
    edges = np.geomspace(0.5, 200, 41)
    same, apart = _distances(result)
    bits: NDArray[np.float64] = np.arange(-0.5, 65.0)
    return {
        "score": figures.draw_histogram(
            {name: result.scores["score"][result.scores["outcome"] == name] for name in ("kept", "unsure", "removed")},
            "score: how surely a patch is informative", figures.even_edges(0, 1), (),
        ),
        "structure": figures.draw_histogram(
            {"all patches": structure}, "structure above noise", edges, (params.crop.min_structure,), logarithmic=True
        ),
        "distance": figures.draw_histogram(
            {"next section, same place": same, "different places": apart}, "distance of dHashes in bits", bits,
            (params.deduplicate.distance,), shares=True,
        ),
    }  # fmt: skip


def _distances(result: Result) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances between neighbouring sections of one place, and between different places of one dataset."""
    same, apart = [np.empty(0)], [np.empty(0)]
    random = np.random.default_rng(0)
    for columns in result.tables.values():
        rows = np.flatnonzero((columns["gate"] == "") & (columns["axis"] != IN_2D))
        if len(rows) < 2:
            continue
        words = hashes_from_hex(columns["dhash"][rows].tolist())
        keys = np.stack([columns[name][rows].astype(np.int64) for name in ("axis", "y0", "x0", "index")], 1)
        order = np.lexsort(keys.T[::-1])
        near = np.all(keys[order][1:, :3] == keys[order][:-1, :3], 1) & (np.diff(keys[order][:, 3]) == 1)
        pairs = order[:-1][near], order[1:][near]
        same.append(np.bitwise_count(words[pairs[0]] ^ words[pairs[1]]).astype(float))
        one, other = random.integers(0, len(rows), (2, min(_PAIRS, len(rows) ** 2)))
        differ = np.any(keys[one][:, :3] != keys[other][:, :3], 1)
        apart.append(np.bitwise_count(words[one[differ]] ^ words[other[differ]]).astype(float))
    return np.concatenate(same), np.concatenate(apart)


def _by_kind(work: Path) -> dict[str, figures.DrawnNumbers]:
    sizes: Counter[str] = Counter()
    experiments: Counter[str] = Counter()
    for row in tables.read(work / "filtered" / contracts.FILTERED.name, contracts.FILTERED):
        down, along = row["pixel_row_nm"], row["pixel_column_nm"]
        sizes["unknown" if None in (down, along) or "" in (down, along) else f"{down:g} x {along:g} nm"] += 1
        experiments[row["experiment"] or f"(dataset) {row['dataset']}"] += 1
    return {
        "pixel_sizes": figures.draw_bars(dict(sorted(sizes.items())), "kept patches"),
        "experiments": figures.draw_bars(dict(sorted(experiments.items())), "kept patches"),
    }


def _maps(result: Result, sources: PatchSources, most: int) -> dict[str, figures.DrawnNumbers]:
    """Of each volume where its kept patches lie."""
    boxes: dict[str, list[Box]] = defaultdict(list)
    for name, outcome in zip(result.scores["name"].tolist(), result.scores["outcome"].tolist(), strict=True):
        place = parse_location(name)
        if outcome == "kept" and place.axis is not None:
            boxes[place.dataset].append(place.box())
    found = {}
    for dataset in sorted(boxes)[:most]:
        about = sources.volumes[dataset]
        found[f"map_{dataset}"] = figures.draw_map(shape_of(about), voxel_sides(about, "voxel", "_nm"), boxes[dataset])
    return found


def _sheets(result: Result, most: int) -> list[_Sheet]:
    """Which patches are shown on which sheet; an equal number of each dataset, by the md5 of their pixels or name."""
    found = []
    scores = result.scores
    for outcome, title in (("kept", "Kept"), ("unsure", "Unsure"), ("removed", "Removed")):
        for by in sorted(set(scores["decided_by"][scores["outcome"] == outcome].tolist())):
            rows = take_rows(scores, (scores["outcome"] == outcome) & (scores["decided_by"] == by))
            found.append(
                _Sheet(f"sheet_{outcome}_{by}", f"{title}, decided by {by}", _spread(rows["name"].tolist(), most))
            )
    gated: dict[str, list[str]] = defaultdict(list)
    for columns in result.tables.values():
        for name, reason in zip(columns["name"].tolist(), columns["gate"].tolist(), strict=True):
            if reason:
                gated[reason].append(name)
    found += [
        _Sheet(f"sheet_gated_{reason}", f"Gated: {reason}", _spread(names, most))
        for reason, names in sorted(gated.items())
    ]
    groups: dict[str, list[str]] = defaultdict(list)
    for columns in result.tables.values():
        large = columns["name"][columns["members"] > 1].tolist()
        for name, exemplar in zip(columns["name"].tolist(), columns["exemplar"].tolist(), strict=True):
            if exemplar and name != exemplar:
                groups[exemplar].append(name)
        for name in large:
            groups.setdefault(name, [])
    chosen = _spread(sorted(groups), max(1, most // SHEET_ACROSS))
    rows_of = [name for exemplar in chosen for name in [exemplar, *sorted(groups[exemplar])[: SHEET_ACROSS - 1]]]
    if rows_of:
        found.append(_Sheet("sheet_exemplars", "Exemplars, each followed by patches that it stands for", rows_of))
    return found


def _spread(names: Sequence[str], most: int) -> list[str]:
    """At most so many names, an equal number of each dataset, spread evenly over each."""
    by: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        by[parse_location(name).dataset].append(name)
    share = max(1, most // max(1, len(by)))
    found = []
    for some in by.values():
        step = max(1, len(some) // share)
        found += some[::step][:share]
    return found[:most]


def _write_sheets(folder: Path, result: Result, sheets: Sequence[_Sheet], sources: PatchSources) -> list[_Sheet]:
    """Write each sheet as PNG and CSV; those that have a patch."""
    wanted = {name for sheet in sheets for name in sheet.names}
    tiles: dict[str, NDArray[np.uint8]] = {}
    for dataset, columns in result.tables.items():
        some = take_rows(columns, np.array([name in wanted for name in columns["name"].tolist()], np.bool_))
        for name, patch in _pixels(dataset, some, sources):
            tiles[name] = patch
    made = []
    for sheet in sheets:
        shown = [name for name in sheet.names if name in tiles]
        if not shown:
            continue
        write_staged(folder / f"{sheet.key}.png", sheet_png([tiles[name] for name in shown]))
        places = [(number // SHEET_ACROSS, number % SHEET_ACROSS, name) for number, name in enumerate(shown)]
        write_staged(folder / f"{sheet.key}.csv", figures.numbers_csv(("row", "column", "name"), places))
        made.append(sheet)
    return made


def _pixels(dataset: str, columns: Columns, sources: PatchSources) -> Iterable[tuple[str, NDArray[np.uint8]]]:
    """Names and pixels; a source that cannot be read any more has none."""
    try:
        for group in group_patches(dataset, columns, sources, 2**22):
            for number, patch in zip(group.rows, patches_of(group), strict=True):
                yield columns["name"][number], patch
    except (KeyError, OSError, UnreadableVolume, UnreadableImage):
        return


def _export(folder: Path, result: Result) -> None:
    """Parquet tables as CSV."""
    (folder / "csv").mkdir()
    for dataset, columns in result.tables.items():
        rows = list(zip(*(values.tolist() for values in columns.values()), strict=True))
        write_staged(folder / "csv" / f"{dataset}.csv", figures.numbers_csv(list(columns), rows))


def _summary_text(rows: list[dict[str, Any]], known: Mapping[str, Any] | None, out: Path) -> str:
    total = step_sums(rows)
    lines = [
        f"Raw           {total['raw']:>9,}",
        f"Gated         {total['raw'] - total['gated']:>9,}  ({total['gated']:,} stopped by the gate)",
        f"Deduplicated  {total['deduplicated']:>9,}  ({total['duplicates']:,} like another one)",
        f"Filtered      {total['filtered']:>9,}  ({total['removed']:,} removed, {total['unsure']:,} unsure)",
    ]
    if known is not None:
        lines.append(
            f"Against truth: {known['kept_share']:.3f} of {known['informative']:,} informative patches are kept, "
            f"{known['removed_share']:.3f} of {known['empty']:,} empty ones removed"
        )
    return "\n".join([*lines, f"Page: {out / 'index.html'}", ""])


def _page(
    rows: list[dict[str, Any]], known: Mapping[str, Any] | None, classifier: Mapping[str, Any],
    maps: Mapping[str, Any], sheets: Sequence[_Sheet], *, mistakes: bool,
) -> str:  # fmt: skip
    total = step_sums(rows)
    cards = "".join(
        f'<div class="card"><b>{value:,}</b>{name}</div>'
        for name, value in (
            ("Raw", total["raw"]), ("Gated: passed", total["raw"] - total["gated"]),
            ("Deduplicated", total["deduplicated"]), ("Filtered", total["filtered"]), ("unsure", total["unsure"]),
        )
    )  # fmt: skip
    truth = ""
    if known is not None:
        truth = (
            f"<p>Against truth: {known['kept']:,} of {known['informative']:,} informative patches are kept "
            f"({known['kept_share']:.1%}), {known['removed']:,} of {known['empty']:,} empty ones removed "
            f"({known['removed_share']:.1%}).</p>"
        )
    body = [
        "<h1>Curation</h1>", f'<div class="cards">{cards}</div>', truth, _table(rows),
        "<h2>Funnel</h2>", '<div class="plots">',
        _figure("funnel", "Patches left after each step"), _figure("datasets", "What became of each dataset's patches"),
        "</div>", "<h2>Numbers behind the decisions</h2>", '<div class="plots">',
        _figure("score", "Scores of exemplars by outcome"),
        _figure("structure", "Structure above noise; the gate stops what is below the line"),
        _figure("distance", "Distance of dHashes; up to the line patches are alike"),
        _figure("pixel_sizes", "Kept patches by pixel size"), _figure("experiments", "Kept patches by experiment"),
        "</div>", "<h2>Classifier</h2>", '<div class="plots">',
        *(_figure(name, CLASSIFIER_CAPTIONS[name]) for name in classifier), "</div>",
        _figure("mistakes", "The classifier's worst mistakes", "sheet-picture") if mistakes else "",
        "<h2>Patches</h2>",
        *(_figure(sheet.key, f"{sheet.title} ({len(sheet.names)} shown)", "sheet-picture") for sheet in sheets),
        "<h2>Where kept patches lie</h2>",
        *(_figure(name, f"{name.removeprefix('map_')}: kept patches behind each place") for name in maps),
    ]  # fmt: skip
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<title>Curation</title><link rel="stylesheet" href="{STYLE}"><link rel="stylesheet" href="show.css"></head>'
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _figure(name: str, caption: str, kind: str = "") -> str:
    file = escape(name.replace("%", "%25").replace("#", "%23").replace("?", "%3F"), quote=True)
    text = escape(caption)
    return (
        f'<figure class="{kind}"><img src="{file}.png" alt="{text}" loading="lazy">'
        f'<figcaption>{text}. <a href="{file}.csv">CSV</a></figcaption></figure>'
    )


def _table(rows: list[dict[str, Any]]) -> str:
    names = [ALL, *sorted({row["dataset"] for row in rows} - {ALL})]
    head = ("raw", "gated", "duplicates", "deduplicated", "removed", "unsure", "filtered")
    lines = []
    for name in names:
        found = step_sums(rows, name)
        cells = "".join(f"<td>{found[step]:,}</td>" for step in head)
        lines.append(f"<tr><td>{'all datasets' if name == ALL else escape(name)}</td>{cells}</tr>")
    return (
        '<div class="wide" tabindex="0"><table><thead><tr><th>dataset</th>'
        + "".join(f"<th>{step}</th>" for step in head)
        + f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
