"""calibrate: judge every combination of thresholds on pictures of known origin, and choose one.

Every pair is measured once; each operating point is then decided by the code that ``match`` runs (measure.py).
Proofs would hide what the thresholds do, so points are judged without them; the result is reported both ways.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from semtrace.core.statistics.accuracy import Accuracy, Codes, accuracies, trials_to_show, wilson
from semtrace.core.statistics.choice import by_group, choose_point, held_out
from semtrace.core.statistics.operating_points import Point, grid
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import scratch_folder, staged_folder
from semtrace.io.verdicts import read_truth_table
from semtrace.provenance.fingerprint import HashSettings
from semtrace.provenance.match import Settings as MatchSettings
from semtrace.provenance.tracing.knowledge import Knowledge, read_knowledge
from semtrace.provenance.tracing.sides import load_side
from semtrace.stage.claim import headline
from semtrace.stage.executor import Executor
from semtrace.stage.listing import index_inputs
from semtrace.stage.settings import REFERENCE_BITS
from semtrace.tuning import republish
from semtrace.tuning.calibrate_figures import draw_calibration
from semtrace.tuning.calibrate_report import calibration_report, notes
from semtrace.tuning.calibrate_tables import encoder_rows, pair_rows, point_rows, trial_rows
from semtrace.tuning.judge import TrialSource, evaluation, pictures
from semtrace.tuning.null_model import described, null_model
from semtrace.tuning.settings import CalibrateSettings
from semtrace.tuning.tables import BY_ENCODER, CALIBRATION, PAIRS, TRIALS


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
    settings: CalibrateSettings,
    current: MatchSettings,
    size: HashSettings,
    executor: Executor,
    *,
    exclude: Sequence[str] = (),
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
        exclude: what is left out of archive and published set, see ``list_inputs``.
        verdicts: table of a person's verdicts; it may be missing. Verdicts have no part in decisions here, but
            originals called the same are one picture.

    Raises:
        InputError: there is nothing to judge, or hashes differ in length.
        TableError: see ``read_truth_table``.

    """
    hashes, truth = work / "fingerprint" / "tiff" / "hashes.csv", known / "truth.csv"
    originals = load_side([hashes])
    knowledge = read_knowledge(work / "convert" / "converted.csv", verdicts)
    now = Point(**{name: getattr(current, name) for name in Point.__dataclass_fields__})
    tried = grid(now, settings.hamming_threshold, settings.min_ssim, settings.min_correlation, settings.min_margin)
    sources: list[TrialSource] = []
    if truth.is_file():
        said = read_truth_table(truth, index_inputs(published, exclude), index_inputs(archive, exclude))
        sources.append(TrialSource("truth.csv", work / "fingerprint" / "jpeg" / "hashes.csv", published, said))
    with scratch_folder(work / ".calibrate.made.part") as made:
        if settings.sample:
            sources.append(republish.run(archive, hashes, made, (settings.sample, settings.seed), size, executor))
        judged, counts = evaluation(
            archive, originals, knowledge.same, Knowledge(knowledge.conversions), sources, tried, current, executor
        )
    groups = [trial.group for trial in judged.trials]
    preferences = [point.preference(now) for point in judged.points]
    choice = choose_point(judged.accuracies, settings.precision, preferences)
    used = {"current": judged.points.index(now)} | ({"chosen": choice.index} if choice else {})
    proven = {name: judged.proven_codes(judged.points[i]) for name, i in used.items()}
    held = held_out(judged.codes, judged.present, groups, settings.precision, preferences)
    picture = pictures(originals, knowledge.same)
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
        "choice": choice
        and {
            "shown": bool(choice.shown),
            "points_shown": len(choice.shown),
            "points_observed": len(choice.observed),
            "boldest": asdict(judged.points[choice.boldest]) | judged.accuracies[choice.boldest].rates(),
        },
        "held_out": held.rates() if held else None,
        # A picture without original is looked for as far as match ever looks.
        "null_model": described(
            model,
            {name: max(judged.points[i].hamming_threshold, current.reach) * scale for name, i in used.items()},
        ),
    }
    last = judged.points[list(used.values())[-1]]
    rows, points = trial_rows(judged, last), list(point_rows(judged))
    encoders = [
        row
        for name, i in used.items()
        for proofs, codes in (("no", judged.codes[:, i]), ("yes", proven[name]))
        for row in encoder_rows(judged, codes, thresholds=name, proofs=proofs)
    ]
    wrong = [row for row in rows if row["outcome"] == "wrong"]
    report = headline(work) + calibration_report(summary, choice, encoders, wrong)
    with staged_folder(work / "calibrate") as folder:
        tables.write(folder / "calibration.csv", CALIBRATION, points, sort=False)
        tables.write(folder / "pairs.csv", PAIRS, pair_rows(judged))
        tables.write(folder / "trials.csv", TRIALS, rows)
        tables.write(folder / "by_encoder.csv", BY_ENCODER, encoders)
        for name, drawn in draw_calibration(judged, points, used, model, settings.precision).items():
            write_atomic(folder / name, drawn)
        write_atomic(folder / "calibration_report.txt", report.encode())
        write_atomic(folder / "calibration.json", (json.dumps(summary, indent=2, ensure_ascii=False) + "\n").encode())
    chosen = replace(current, **asdict(judged.points[choice.index])) if choice else None
    return Calibration(report, chosen, notes(summary) if choice else ())


def _rates(accuracy: Accuracy, codes: Codes, groups: list[str]) -> dict[str, Any]:
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
