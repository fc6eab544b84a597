"""calibrate: judge every combination of thresholds on pictures of known origin, and choose one.

Every pair is measured once; each operating point is then decided by the code that ``match`` runs (measurements.py).
Proofs would hide what the thresholds do, so points are judged without them; the result is reported both ways.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.statistics.accuracy import Accuracy, trials_to_show, wilson
from semtrace.core.statistics.operating_points import (
    Choice,
    Codes,
    Grid,
    Point,
    accuracies,
    by_group,
    choose_point,
    grid,
    held_out,
)
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.verdicts import read_truth_table
from semtrace.provenance.fingerprint import HashSettings
from semtrace.provenance.match import Settings as MatchSettings
from semtrace.provenance.tracing.evidence import Knowledge, read_knowledge
from semtrace.provenance.tracing.sides import Side, load_side
from semtrace.stage.claim import headline
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure
from semtrace.stage.settings import REFERENCE_BITS, Bits, Number, Section, Share, Whole
from semtrace.tuning import republish
from semtrace.tuning.calibrate_figures import draw_calibration
from semtrace.tuning.calibrate_report import calibration_report, notes
from semtrace.tuning.calibrate_tables import encoder_rows, pair_rows, point_rows, trial_rows
from semtrace.tuning.judge import Evaluation, Trial, TrialSource, answers, pictures, trials
from semtrace.tuning.measure import Measurements, measure
from semtrace.tuning.strangers import described, null_model
from semtrace.tuning.tables import BY_ENCODER, CALIBRATION, PAIRS, TRIALS

Similarities = list[Annotated[Number, Field(ge=-1, le=1)]]


class Settings(Section, section="calibrate"):
    """What is asked for, and which thresholds are tried (conf/calibrate/)."""

    precision: Share
    sample: Annotated[Whole, Field(ge=0, description="pictures")]
    seed: Whole
    hamming_threshold: list[Bits]
    min_ssim: Similarities
    min_correlation: Similarities
    min_margin: list[Annotated[Number, Field(ge=0, le=2)]]

    def asked(self, precision: float | None, sample: int | None) -> Settings:
        """These settings with another precision and sample, where they are given.

        Raises:
            SettingsError: a value is out of range.
        """
        return replace(
            self,
            precision=self.precision if precision is None else precision,
            sample=self.sample if sample is None else sample,
        )


@dataclass(frozen=True)
class Calibration:
    """What came out.

    Attributes:
        report: for people.
        chosen: the match settings to use; None where no point has the requested precision.
        notes: what these rest on, a line each.
    """

    report: str
    chosen: MatchSettings | None
    notes: tuple[str, ...]


def run(
    work: Path,
    archive: Path,
    published: Path,
    known: Path,
    settings: Settings,
    current: MatchSettings,
    size: HashSettings,
    executor: Executor,
    *,
    verdicts: Path | None = None,
) -> Calibration:
    """Write tables, report and pictures to ``calibrate`` in the folder ``work``, and choose a point.

    Args:
        work: folder with the folders of the earlier stages.
        archive: root of the TIFF paths.
        published: root of the JPEG paths.
        known: folder that may hold ``truth.csv``.
        settings: what is asked for, and the thresholds to try.
        current: the match settings in force.
        size: of the hash.
        executor: where to work; the result does not depend on it.
        verdicts: table of a person's verdicts; it may be missing. Verdicts have no part in decisions here, but
            originals called the same are one picture.

    Raises:
        InputError: there is nothing to judge, or hashes differ in length.
        TableError: see ``provenance.known``.

    """
    hashes, truth = work / "fingerprint" / "tiff" / "hashes.csv", known / "truth.csv"
    originals = load_side([hashes])
    knowledge = read_knowledge(work / "convert" / "converted.csv", verdicts)
    picture = pictures(originals, knowledge.same)
    now = Point(**{name: getattr(current, name) for name in Point.__dataclass_fields__})
    tried = grid(now, settings.hamming_threshold, settings.min_ssim, settings.min_correlation, settings.min_margin)
    sources: list[TrialSource] = []
    if truth.is_file():
        sources.append(TrialSource("truth.csv", work / "fingerprint" / "jpeg" / "hashes.csv", published, truth))
    with scratch_folder(work / ".calibrate.made.part") as made:
        if settings.sample:
            sources.append(republish.run(archive, hashes, made, (settings.sample, settings.seed), size, executor))
        judged, counts = _judge(
            archive, originals, picture, Knowledge(knowledge.conversions), sources, tried, current, executor
        )
    groups = [trial.group for trial in judged.trials]
    choice = choose_point(judged.points, judged.accuracies, settings.precision, now)
    used = {"current": judged.points.index(now)} | ({"chosen": choice.index} if choice else {})
    proven = {name: judged.proven_codes(judged.points[i]) for name, i in used.items()}
    held = held_out(judged.points, judged.codes, judged.present, groups, settings.precision, now)
    model, scale = null_model(originals, picture), originals.bits / REFERENCE_BITS
    summary: dict[str, Any] = {
        "requested_precision": settings.precision,
        "matches_to_show_it": trials_to_show(settings.precision),
        "trials": counts,
        "points": len(judged.points),
        **{
            name: {
                "thresholds": asdict(judged.points[i]),
                "by_similarity": _rates(judged.accuracies[i], judged.codes[:, i], groups),
                "with_proofs": _rates(accuracies(proven[name][:, None], judged.present)[0], proven[name], groups),
            }
            for name, i in used.items()
        },
        "choice": _why(choice, judged, settings.precision),
        "held_out": held.rates() if held else None,
        # A picture without original is looked for as far as match ever looks.
        "null_model": described(
            model,
            {name: max(judged.points[i].hamming_threshold, current.reach) * scale for name, i in used.items()},
        ),
    }
    last = judged.points[list(used.values())[-1]]
    rows = trial_rows(judged, last)
    encoders = [
        row
        for name, i in used.items()
        for proofs, codes in (("no", judged.codes[:, i]), ("yes", proven[name]))
        for row in encoder_rows(judged, codes, thresholds=name, proofs=proofs)
    ]
    wrong = [row for row in rows if row["outcome"] == "wrong"]
    report = headline(work) + calibration_report(summary, encoders, wrong)
    with staged_folder(work / "calibrate") as folder:
        tables.write(folder / "calibration.csv", CALIBRATION, point_rows(judged), sort=False)
        tables.write(folder / "pairs.csv", PAIRS, pair_rows(judged))
        tables.write(folder / "trials.csv", TRIALS, rows)
        tables.write(folder / "by_encoder.csv", BY_ENCODER, encoders)
        for name, drawn in draw_calibration(judged, used, model, settings.precision).items():
            write_atomic(folder / name, drawn)
        write_atomic(folder / "calibration_report.txt", report.encode())
        write_atomic(folder / "calibration.json", (json.dumps(summary, indent=2, ensure_ascii=False) + "\n").encode())
    chosen = replace(current, **asdict(judged.points[choice.index])) if choice else None
    return Calibration(report, chosen, notes(summary) if choice else ())


def _judge(
    archive: Path,
    originals: Side,
    picture: Sequence[int],
    knowledge: Knowledge,
    sources: Sequence[TrialSource],
    tried: Grid,
    current: MatchSettings,
    executor: Executor,
) -> tuple[Evaluation, dict[str, Any]]:
    """Measure all sources, and say how many trials of which kind they make."""
    radius = max(current.reach, *(threshold for threshold, _ in tried.hamming)) * originals.bits / REFERENCE_BITS
    measured: list[Measurements] = []
    every: list[Trial] = []
    counts: dict[str, Any] = dict.fromkeys(("unreadable", "truth_not_published", "truth_not_in_archive"), 0)
    known = {path for content in originals.contents for path in content.paths}
    for number, source in enumerate(sources):
        published, truth = load_side([source.hashes]), read_truth_table(source.truth)
        if published.bits != originals.bits:
            raise InputError(f"{source.hashes} has hashes of {published.bits} bits, the archive of {originals.bits}")
        right = answers(published, originals, picture, truth)
        done = measure(
            originals, published, (archive, source.root), right, radius, current.max_candidates, knowledge, executor,
            geometry=current.geometry,
        )  # fmt: skip
        made = trials(number, source, published, truth, right)
        readable = [one for one in made if not isinstance(done.compared[one.j], Failure)]
        there = {path for content in published.contents for path in content.paths}
        counts["unreadable"] += len({one.j for one in made} - {one.j for one in readable})
        counts["truth_not_published"] += len(truth.keys() - there)
        counts["truth_not_in_archive"] += sum(bool(tiff) and tiff not in known for tiff in truth.values())
        measured.append(done)
        every += readable
    if not every:
        raise InputError(
            "nothing to calibrate on: no published picture of known origin. Write truth.csv, or set calibrate.sample"
        )
    of_original = Counter(trial.original for trial in every)
    counts |= {name.replace(" ", "_"): of_original[name] for name in ("present", "left out", "absent")}
    counts["pictures"] = {
        source.name: len({trial.j for trial in every if trial.source == number})
        for number, source in enumerate(sources)
    }
    counts["not_published"] = [asdict(reject) for source in sources for reject in source.lost]
    counts["originals"] = len({trial.group for trial in every if trial.original != "absent"})
    return Evaluation(originals, sources, measured, every, tried, current), counts


def _rates(accuracy: Accuracy, codes: Codes, groups: Sequence[str]) -> dict[str, Any]:
    """Counts and rates of one point; precision also by original, and the share of wrong matches among the absent."""
    clean, matched = by_group(codes, groups)
    absent = accuracy.absent_unmatched + accuracy.absent_ambiguous + accuracy.wrong_absent
    low = wilson(clean, matched)
    wrong = wilson(accuracy.wrong_absent, absent)
    return accuracy.rates() | {
        "originals_matched": matched,
        "originals_without_wrong_match": clean,
        "originals_precision_low": low[0] if low else None,
        "absent": absent,
        "wrong_of_absent_high": wrong[1] if wrong else None,
    }


def _why(choice: Choice | None, judged: Evaluation, precision: float) -> dict[str, Any] | None:
    """Which points were to choose from, and what the other rule would have chosen."""
    if choice is None:
        return None
    rates = [(accuracy.precision or 0, accuracy.precision_interval or (0, 0)) for accuracy in judged.accuracies]
    bold = judged.accuracies[choice.boldest]
    return {
        "shown": choice.shown,
        "points_shown": sum(interval[0] >= precision for _, interval in rates),
        "points_observed": sum(rate >= precision for rate, _ in rates),
        "boldest": asdict(judged.points[choice.boldest]) | bold.rates(),
    }
