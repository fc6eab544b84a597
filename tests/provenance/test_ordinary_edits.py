"""Pictures as papers show them, of originals in a real archive: the cases of ../shared/cases/tracing."""

from __future__ import annotations

from pathlib import Path

import pytest

from semtrace.provenance import fingerprint, inventory, match
from tests.pipeline import defaults, table

ORIGINALS = (
    "fei_quanta_steel/800_020.tif", "fei_helios_c3s/C3S 28d cryo BIB 6h_042.tif",
    "fei_teneo_bio21_blood_cells/fei-sem-rbc.tif", "hitachi_nanowires_nbi/13.tif",
    "zeiss_supra40_bam_tio2/1908248.tif", "jeol_etched_sidewall_ucsb/JEOL SEM - etched sidewall 01.tif",
    "fei_xl30_sis_gold/cu_au_110_300_125_16.tif", "fibres_pan_3class/Defective/translated_PPC9_05_1.tif",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(shared, tmp_path_factory):
    """Traces a published folder to the real archive, or to another one."""
    root = tmp_path_factory.mktemp("edits")

    def hashes_of(archive: Path, name: str) -> Path:
        p, out = defaults(root), root / name
        if not (out / "tiff").is_dir():
            inventory.run(archive, out / "inventory", p.executor)
            listing = out / "inventory/inventory.csv"
            fingerprint.tiffs(archive, listing, out / "tiff", p.hash, p.fingerprint, p.executor)
        return out / "tiff/hashes.csv"

    def traced(published: Path, archive: Path = shared / "sem_tiff", *, geometry: bool = False):
        p, out = defaults(root, f"match.geometry={str(geometry).lower()}"), root / published.parent.name
        tiffs = hashes_of(archive, archive.parent.name)
        fingerprint.jpegs(published, out / "jpeg", p.hash, p.fingerprint, p.executor)
        jpegs = out / "jpeg/hashes.csv"
        match.run(tiffs, [jpegs], out / "match", p.match, p.executor, archive=archive, published=published)
        return {row["jpeg_path"]: row for row in table(out / "match/jpeg_to_tiff.csv")}, out / "match"

    return traced


def own(path: str) -> str:
    """The original of a published image, of which the archive may hold the same picture without its data bar."""
    return Path(ORIGINALS[int(Path(path).stem)]).name


@pytest.mark.parametrize(
    "case",
    ["01-tones-noise-blur-ambiguous", "02-marks-and-own-bar-ambiguous", "06-three-pixels-cut-off-ambiguous"],
)
def test_ordinary_edits_are_traced_to_their_own_original(desk, cases, case):
    rows, _ = desk(cases / "tracing" / case / "published")
    assert {path: (row["decision"], Path(row["matched_tiff_path"]).name) for path, row in rows.items()} == {
        path: ("matched", own(path)) for path in rows
    }
    assert {row["level"] for row in rows.values()} <= {"frame", "field"}
    if case.startswith("06"):
        assert all(row["crop"].endswith("+3+3") for row in rows.values() if row["evidence"] != "reencoded")


def test_negatives_and_margins_are_found_where_geometry_is_asked_for_and_panels_one_by_one(desk, cases):
    case = cases / "tracing/07-panel-margins-negative-rotation-unmatched/published"
    rows, out = desk(case, geometry=True)
    for path in ("negative/0.jpg", "matplotlib_savefig/0.jpg"):
        assert (rows[path]["decision"], Path(rows[path]["matched_tiff_path"]).name) == ("matched", own(path))
    assert rows["negative/0.jpg"]["symmetry"] == "negative"
    assert rows["matplotlib_savefig/0.jpg"]["place"]
    assert (rows["panel_of_two/0.jpg"]["decision"], rows["panel_of_two/0.jpg"]["reason"]) == ("ambiguous", "panels")
    panels = [row for row in table(out / "panels.csv") if row["jpeg_path"] == "panel_of_two/0.jpg"]
    assert [row["decision"] for row in panels] == ["matched", "matched"]
    assert own("0.jpg") in {Path(row["matched_tiff_path"]).name for row in panels}
    turned = rows["rotated_1deg/0.jpg"]  # match.geometry=full finds it
    assert turned["decision"] != "matched" or Path(turned["matched_tiff_path"]).name == own("0.jpg")


def test_a_second_frame_of_the_same_place_is_never_the_exposure(desk, cases):
    case = cases / "tracing/13-second-frame-taken-for-missing-original"
    rows, _ = desk(case / "published", case / "archive")
    [row] = rows.values()
    assert (row["decision"], row["level"]) in {("matched", "field"), ("ambiguous", "")}
