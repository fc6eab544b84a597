"""Images of one's own, from loose folders to the answer: categories, find, the last lines."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from semtrace.cli.main import main
from tests.other_system import WITHOUT
from tests.pipeline import CONF, table
from tests.small_archive import save, scene

WORDS = ["run", "dataset=archive", "dataset.archive=tiffs", "dataset.published=jpegs", "executor.workers=1"]


def published(seed: int, file: str, cut: tuple[int, int, int, int] | None = None) -> None:
    target = Path("jpegs", file)
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(seed, 384, 512)).crop(cut or (0, 0, 512, 384)).save(target, quality=90)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with an archive and a published set that nobody has put in order, run once."""
    project = tmp_path_factory.mktemp("own")
    (project / "conf").symlink_to(CONF)
    with contextlib.chdir(project):
        for seed in range(4):
            save(Path("tiffs/Anna É/2019", f"s{seed}.tif"), scene(seed, 384, 512))
        published(0, "Coils/a.jpg")
        published(1, "Rods (new)/2020/b.jpg")
        published(2, "loose.jpg")
        published(3, "Coils/part.jpg", (100, 80, 400, 300))
        published(99, "Coils/stranger.jpg")
        assert main([*WORDS, "--quiet"]) == 0
        yield project


@pytest.fixture
def here(own: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(own)
    return own


def test_folders_become_labels_and_loose_pictures_are_traced(here):
    rows = {row["tiff_path"]: row for row in table(here / "data/work/label/labels.csv")}
    said = {path[-6:-4]: (row["status"], row["category"], row["label"]) for path, row in rows.items()}
    assert said == {
        "s0": ("labelled", "Coils", "L0"),
        "s1": ("labelled", "Rods (new)", "L1"),
        "s2": ("matched", "", ""),
        "s3": ("unmatched", "", ""),
    }
    assert (here / "data/work/label/images/Rods (new)/L1_s1.tif").is_file()


def test_the_report_says_how_many_and_what_was_not_looked_for(here):
    report = (here / "data/work/validate/accuracy_report.txt").read_text()
    assert "matched 3 of 5 published, 0 ambiguous, 2 unmatched" in report
    assert "match.geometry=true looks for them, about 1 s on one core" in report


def found(capsys, *words: str) -> list[dict]:
    assert main(["find", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)["pictures"]


def test_a_picture_is_found_as_the_run_found_it(here, capsys):
    row = next(row for row in table(here / "data/work/match/jpeg_to_tiff.csv") if row["jpeg_path"] == "Coils/a.jpg")
    (answer,) = found(capsys, "jpegs/Coils/a.jpg")
    assert (answer["decision"], answer["original"]) == ("matched", row["matched_tiff_path"])
    assert (answer["evidence"], answer["reason"]) == (row["evidence"], row["reason"])
    assert f"{answer['measures']['ssim_value']:.6f}" == f"{float(row['ssim_value']):.6f}"
    assert Path(answer["file"]).is_file()
    assert answer["labels"] == ["Coils (L0)"]
    assert (answer["facts"]["width"], answer["facts"]["height"]) == (512, 384)


def test_a_picture_that_is_not_there_is_said_before_any_work(here, capsys):
    assert main(["find", "jpegs/Coils/a.jpg", "jpegs/Coils/typo.jpg"]) == 2
    assert "jpegs/Coils/typo.jpg: no such file" in capsys.readouterr().err


def test_pictures_from_elsewhere_in_any_format(here, tmp_path, capsys):
    picture = Image.fromarray(scene(1, 384, 512))
    picture.convert("RGB").resize((256, 192)).save(tmp_path / "figure.png")
    shot = Image.new("RGBA", (900, 700), (240, 240, 240, 255))
    shot.paste(Image.fromarray(scene(2, 384, 512)).convert("RGBA"), (200, 150))
    shot.save(tmp_path / "screenshot.png")
    (tmp_path / "words.jpg").write_text("no picture")
    picture.rotate(180).save(tmp_path / "turned.tif")
    names = "figure.png", "screenshot.png", "words.jpg", "turned.tif"
    answers = found(
        capsys, *(str(tmp_path / name) for name in names), "jpegs/Coils/part.jpg", "jpegs/Coils/stranger.jpg"
    )
    assert [(one["decision"], one["original"][-6:]) for one in answers] == [
        ("matched", "s1.tif"), ("matched", "s2.tif"), ("unreadable", ""), ("matched", "s1.tif"), ("matched", "s3.tif"),
        ("unmatched", ""),
    ]  # fmt: skip
    assert answers[1]["measures"]["place"] == "512x384+200+150"
    assert answers[2]["reason"] == "not_an_image"
    assert answers[3]["measures"]["symmetry"] == "rotated_180"
    assert answers[4]["looked_for"] == "other_framings"
    assert answers[5]["candidates"][0]["hamming_distance"] > 200


def test_find_speaks_to_people(here, capsys):
    assert main(["find", "--quick", "jpegs/Coils/a.jpg", "jpegs/Coils/part.jpg"]) == 0
    said = capsys.readouterr().out
    assert "jpegs/Coils/a.jpg: matched" in said
    assert "this original, encoded again, gives the very same picture, SSIM 0.9" in said
    assert "Looked for in 4 originals. The picture was compared as it is. Without --quick" in said


def test_find_needs_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").symlink_to(CONF)
    assert main(["params", "--quiet"]) == 0
    assert main(["find", "a.jpg"]) == 2
    assert "no hashes of an archive in it; `semtrace run dataset=archive` makes them" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_no_labels_and_the_last_lines_say_where_to_look(here, capfd):
    assert main([*WORDS, "labels=none"]) == 0
    said = capfd.readouterr().out
    assert said.count("Decisions: ") == 1, "the report is printed once"
    last = said.partition("Where the answer lies")[2]
    assert "data/work/report/index.html" in last
    assert "the original of each of 5 published images" in last
    assert "semtrace review --open  asks about" in last
    assert "under their categories" not in last
    assert {row["status"] for row in table(here / "data/work/label/labels.csv")} == {"matched", "unmatched"}


def test_a_system_that_lacks_much_gives_the_same_answer(here, tmp_path):
    """No fcntl, resource, libc, O_NOFOLLOW or openat, as on Windows: said in one line, and nothing else differs."""

    def call(*words: str) -> str:
        done = subprocess.run([sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[-1:] == ["[] 0"], done.stderr[-3000:]
        return done.stdout

    before = (here / "data/work/match/jpeg_to_tiff.csv").read_bytes()
    call(*WORDS, "labels=none", f"executor.cache={tmp_path / 'cache.sqlite'}")
    assert (here / "data/work/match/jpeg_to_tiff.csv").read_bytes() == before
    assert json.loads(call("find", "--json", "jpegs/Coils/a.jpg"))["pictures"][0]["decision"] == "matched"


def test_a_summary_for_programs_and_one_for_nobody(here, capfd):
    assert main(["inventory", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["images"] == 4
    assert main(["inventory", "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")
