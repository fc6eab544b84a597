"""The generated archive as a user finds it on disk."""

import hashlib
import io
import re
from collections import Counter, defaultdict
from pathlib import Path

import imagehash
import numpy as np
import pytest
import tifffile
from PIL import Image, UnidentifiedImageError

from semtrace.io import digests, files, tables
from semtrace.io.verdicts import TRUTH
from semtrace.synthetic import generate as module
from semtrace.synthetic.generate import generate, plan
from semtrace.synthetic.recording import record
from semtrace.synthetic.scenes import CATEGORIES
from semtrace.synthetic.selection import LOOK_ALIKES, MIX, RETAKE
from semtrace.synthetic.settings import Settings

SMALL = Settings(seed=3, originals=48, published=40, width=320)
LARGE = Settings()  # planned here, not written


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    target = tmp_path_factory.mktemp("synthetic") / "raw"
    return target, generate(SMALL, target, workers=1)


@pytest.fixture(scope="module")
def root(made):
    return made[0]


@pytest.fixture(scope="module")
def truth(root):
    return [dict(row) for row in tables.read(root / "known" / "truth.csv", TRUTH)]


@pytest.fixture(scope="module")
def frames():
    return plan(SMALL)


def test_the_truth_names_the_other_exposures_of_a_place(truth, frames, root):
    told = 0
    for row in truth:
        named = set(filter(None, row["same_place"].split("|")))
        assert row["tiff_path"] not in named
        told += bool(named)
        for path in named:
            [other] = [frame for frame in frames if path in (frame.path, *frame.copies)]
            assert other.series
            assert (root / "archive" / path).is_file()
        if row["tiff_path"]:
            [own] = [frame for frame in frames if row["tiff_path"] in (frame.path, *frame.copies)]
            beside = [f for f in frames if (f.field, f.drift) == (own.field, own.drift) and f is not own and f.path]
            assert len(named) == len(beside)
    assert told
    retakes = [frame for frame in frames if frame.rests and not frame.path and frame.published]
    lost = [row["same_place"] for row in truth if not row["tiff_path"] and row["same_place"]]
    for frame in retakes:
        assert any(f.path in lost for f in frames if f.field == frame.field and f is not frame)


def tree(folder):
    return {name: digests.md5(path.read_bytes()) for name, path in files.walk(folder)}


def tiffs(root):
    return {n: p for n, p in files.walk(root / "archive") if p.suffix.lower() in (".tif", ".tiff")}


def broken(data):
    """What Pillow says against a file, empty if nothing."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, UnidentifiedImageError) as error:
        return str(error) or type(error).__name__
    return ""


def test_the_result_does_not_depend_on_the_number_of_workers_nor_on_chance(root, tmp_path):
    generate(SMALL, tmp_path / "again", workers=2)
    assert tree(tmp_path / "again") == tree(root)


def test_what_a_worker_that_died_has_left_is_replaced_and_another_picture_never(frames, tmp_path):
    """`map_images` tries a picture again whose worker died; its files are there already, the last one in part."""
    frame = next(frame for frame in frames if frame.path and frame.published)
    made = module._make(frame, seed=3, root=tmp_path)
    whole = tree(tmp_path)
    original = tmp_path / "archive" / frame.path
    original.write_bytes(original.read_bytes()[:500])
    assert module._make(frame, seed=3, root=tmp_path) == made
    assert tree(tmp_path) == whole
    with pytest.raises(FileExistsError, match="another picture"):
        module._make(frame, seed=4, root=tmp_path)
    assert tree(tmp_path) == whole


def test_another_seed_makes_other_pictures(frames):
    other = plan(Settings(seed=4, originals=48, published=40, width=320))
    assert record(frames[0], 3).tiff == record(frames[0], 3).tiff
    assert record(other[0], 4).tiff != record(frames[0], 3).tiff


def test_only_the_announced_files_are_there(root):
    assert {path.name for path in root.iterdir()} == {"archive", "published", "known", "SYNTHETIC.txt"}
    assert {path.name for path in (root / "known").iterdir()} == {"truth.csv", "scale.csv", "subcategories.csv"}
    assert {path.name for path in (root / "published").iterdir()} == set(CATEGORIES)


def test_published_names_are_well_formed_and_every_one_has_a_row_of_truth(root, truth):
    names = [name for name, _ in files.walk(root / "published")]
    for name in names:
        category, file = name.split("/")
        assert re.fullmatch(rf"L{CATEGORIES.index(category)}_[0-9a-f]{{32}}\.jpg", file)
        assert broken((root / "published" / name).read_bytes()) == ""
    assert len(names) == SMALL.published
    assert sorted(row["jpeg_path"] for row in truth) == names


def test_every_sound_tiff_and_every_published_picture_has_its_kind(root, truth, frames):
    rows = tables.read(root / "known" / "subcategories.csv", module.SUBCATEGORIES)
    kinds = {row["path"]: (row["category"], row["kind"]) for row in rows}
    assert len(kinds) == len(rows)
    cut = {frame.cut for frame in frames if frame.cut}
    images = {name for name, path in tiffs(root).items() if name not in cut and not broken(path.read_bytes())}
    images = {name for name in images if (root / "archive" / name).read_bytes()[:2] in (b"II", b"MM")}
    published = {name for name, _ in files.walk(root / "published")}
    assert set(kinds) == images | published
    for row in truth:
        if row["tiff_path"]:
            assert kinds[row["jpeg_path"]] == kinds[row["tiff_path"]]


def test_truth_names_files_that_exist_and_the_smallest_of_equal_ones(root, truth):
    by_content = defaultdict(list)
    for name, path in tiffs(root).items():
        by_content[digests.md5(path.read_bytes())].append(name)
    lost = 0
    for row in truth:
        assert row["category"] == row["jpeg_path"].split("/")[0]
        if row["tiff_path"]:
            data = (root / "archive" / row["tiff_path"]).read_bytes()
            assert broken(data) == ""
            assert row["tiff_path"] == min(by_content[digests.md5(data)])
        lost += not row["tiff_path"]
    assert lost == SMALL.lost


def test_a_published_picture_shows_its_original(root, truth, frames):
    """The correlation of the two, as far down as the data bar."""
    cropped = {p for f in frames for pub in f.published if pub.encoder == "cropped" for p in [f.path, *f.copies]}
    for row in truth:
        if not row["tiff_path"]:
            continue
        with tifffile.TiffFile(root / "archive" / row["tiff_path"]) as tiff:
            page = tiff.pages[0]
            stored = page.asarray().astype(float)
            if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
                stored = -stored
        stored = stored.mean(axis=2) if stored.ndim == 3 else stored
        seen = np.asarray(Image.open(root / "published" / row["jpeg_path"]).convert("L"), dtype=float)
        if seen.shape != stored.shape and row["tiff_path"] not in cropped:
            stored = np.asarray(Image.fromarray(stored).resize(seen.shape[::-1], Image.Resampling.BOX))
        rows = int(len(seen) * 0.75)
        assert np.corrcoef(seen[:rows].ravel(), stored[:rows].ravel())[0, 1] > 0.75, row


def test_every_category_is_in_the_archive_and_published(truth, frames):
    assert {frame.category for frame in frames if frame.path} == set(CATEGORIES)
    assert {row["category"] for row in truth} == set(CATEGORIES)


def test_folders_names_and_extensions_are_as_messy_as_announced(root):
    found = tiffs(root)
    assert {".tif", ".TIF"} <= {path.suffix for path in found.values()}
    assert any(not name.isascii() for name in found)
    assert any(" " in name for name in found)
    repeated = Counter(path.name for path in found.values())
    assert repeated.most_common(1)[0][1] >= 3
    others = {path.name for _, path in files.walk(root / "archive")} - {path.name for path in found.values()}
    assert {"README.txt", "Thumbs.db", ".DS_Store", "measurements.xls"} <= others
    large = {Path(frame.path).suffix for frame in plan(LARGE) if frame.path}
    assert large == {".tif", ".TIF", ".tiff", ".TIFF"}


def test_exact_copies_lie_in_other_places(root, frames):
    content = defaultdict(list)
    for name, path in tiffs(root).items():
        content[digests.md5(path.read_bytes())].append(name)
    copies = [names for names in content.values() if len(names) > 1]
    assert sum(len(names) - 1 for names in copies) == sum(len(frame.copies) for frame in frames) >= 2
    assert sum(len(frame.copies) for frame in plan(LARGE)) >= 8


def test_one_file_has_the_pixels_of_another_and_other_metadata(root, frames):
    (frame,) = (frame for frame in frames if frame.twin)
    left, right = (root / "archive" / name for name in (frame.path, frame.twin))
    assert left.read_bytes() != right.read_bytes()
    assert np.array_equal(tifffile.imread(left), tifffile.imread(right))


def test_broken_files_are_broken_and_the_rest_is_not(root, frames):
    reports = {name: broken(path.read_bytes()) for name, path in tiffs(root).items()}
    bad = {name for name, report in reports.items() if report}
    cut = {frame.cut for frame in frames if frame.cut}
    assert len(cut) == 2
    assert bad == cut | {"GDS/empty.tif", "lab users/log.tif"}
    assert all("truncated" in reports[name] for name in cut)
    with Image.open(root / "archive" / "Élodie Müller" / "from paper.tif") as image:
        assert image.format == "PNG"


def test_every_way_of_storing_pixels_occurs_and_opens_as_it_should(root, frames):
    modes = {"uint16": "I;16", "float32": "F", "palette": "P", "rgb": "RGB"}
    compressions = {"lzw": "tiff_lzw", "deflate": "tiff_adobe_deflate"}
    seen = set()
    for frame in frames:
        if not frame.path or frame.storage in seen:
            continue
        seen.add(frame.storage)
        with Image.open(root / "archive" / frame.path) as image:
            image.load()
            assert image.mode == modes.get(frame.storage, "L")
            assert image.size == (frame.facts.width, frame.facts.height)
            assert image.info.get("compression") == compressions.get(frame.storage, "raw")
            assert image.n_frames == (3 if frame.storage == "pages" else 1)
            assert not {305, 306} & set(image.tag_v2)  # neither software nor date of writing
            if frame.storage == "miniswhite":
                assert image.tag_v2[262] == 0
            if frame.storage == "uint16":
                pixels = np.asarray(image)
                assert 200 <= pixels.min() < pixels.max() <= 16000
                assert np.ptp(pixels) > 1000
    assert seen == {"grey", "palette", "rgb", "uint16", "float32", "lzw", "deflate", "pages", "miniswhite"}


def test_pixel_size_is_in_the_metadata_of_zeiss_and_fei_files(root, frames):
    found = set()
    for frame in frames:
        if frame.path and frame.metadata:
            with tifffile.TiffFile(root / "archive" / frame.path) as tiff:
                if frame.metadata == "zeiss":
                    value, unit = tiff.sem_metadata["ap_image_pixel_size"][1:]
                    size = value * {"nm": 1e-9, "µm": 1e-6}[unit]
                else:
                    size = tiff.fei_metadata["Scan"]["PixelWidth"]
            assert size == pytest.approx(frame.facts.pixel_size, rel=1e-3)
            found.add(frame.metadata)
    assert found == {"zeiss", "fei"}


def hashed(look):
    return imagehash.phash(look, hash_size=16)


def test_frames_of_a_series_are_near_duplicates_and_other_pictures_are_not(frames):
    series = [frame for frame in frames if frame.series and not frame.rests]
    assert len(series) >= 5
    retakes = [frame for frame in frames if frame.rests and frame.field != series[0].field][:2]
    assert retakes[0].field == retakes[1].field
    for some in (series, retakes):
        shown = [record(frame, SMALL.seed) for frame in some]
        assert len({hashlib.md5(recorded.tiff).digest() for recorded in shown}) == len(some)
        first = hashed(shown[0].look)
        own = [first - hashed(recorded.look) for recorded in shown[1:]]
        strangers = [
            first - hashed(record(frame, SMALL.seed).look)
            for frame in [frame for frame in frames if not frame.series and frame.layout == some[0].layout][:4]
        ]
        assert max(own) < min(strangers)


def test_lost_pictures_have_look_alikes_in_the_archive():
    """Some were taken twice without a move, of others the series is there: 3 pixels or more beside."""
    kept = defaultdict(list)
    for frame in plan(LARGE):
        if frame.path:
            kept[frame.field].append(frame)
    lost = [frame for frame in plan(LARGE) if not frame.path]
    rests = [frame for frame in lost if frame.rests]
    creeps = [frame for frame in lost if frame.series and not frame.rests]
    assert (len(lost), len(rests), len(creeps)) == (18, 8, 4)
    assert all(len(kept[frame.field]) == 1 for frame in rests)
    for frame in creeps:
        for other in kept[frame.field]:
            assert max(abs(np.subtract(frame.drift, other.drift))) >= 3
    assert {publication.encoder for frame in rests for publication in frame.published} == {RETAKE}


def test_pictures_under_two_categories_and_digits_that_lie(root, truth, frames):
    digits = defaultdict(list)
    for row in truth:
        digits[row["jpeg_path"].split("_")[-1]].append(row)
    double = [rows for rows in digits.values() if len(rows) == 2]
    same_original = [rows for rows in double if rows[0]["tiff_path"] == rows[1]["tiff_path"]]
    lying = [rows for rows in double if rows[0]["tiff_path"] != rows[1]["tiff_path"]]
    bytes_equal = [
        len({(root / "published" / row["jpeg_path"]).read_bytes() for row in rows}) == 1 for rows in same_original
    ]
    assert all(rows[0]["category"] != rows[1]["category"] for rows in double)
    assert len(lying) == 1
    assert True in bytes_equal
    assert False in bytes_equal
    assert len(same_original) == sum(len(frame.published) == 2 for frame in frames)


def test_the_full_size_plan_is_the_announced_one():
    frames = plan(LARGE)
    kept = [frame for frame in frames if frame.path]
    stored = Counter(frame.storage for frame in kept)
    published = [(frame, publication) for frame in frames for publication in frame.published]
    assert (len(kept), len(published), sum(not frame.path for frame, _ in published)) == (240, 180, 18)
    assert stored["grey"] > 120
    assert (stored["pages"], stored["float32"], stored["miniswhite"]) == (3, 2, 1)
    creeping = [frame for frame in kept if frame.series and not frame.rests]
    assert sorted(Counter(frame.field for frame in creeping).values()) == [5, 5, 6]
    assert sorted(Counter(frame.field for frame in kept if frame.rests).values()) == [1] * 8 + [3] * 3
    assert len({frame.field for frame, _ in published if frame.series}) >= 1
    assert max(Counter(frame.field for frame, _ in published if frame.series).values()) >= 2
    assert sum(len(frame.published) == 2 for frame in frames) == 8
    assert {publication.encoder for _, publication in published} == {*MIX, *LOOK_ALIKES, RETAKE}
    assert {publication.digits for _, publication in published} >= {"jpeg", "tiff"}
    assert any(frame.copies for frame, _ in published)
    assert {"uint16", "float32", "pages", "miniswhite"} <= {frame.storage for frame, _ in published}
    assert {(frame.facts.width, frame.facts.height) for frame in kept} >= {
        (1024, 768), (640, 480), (1280, 960), (712, 484),
    }  # fmt: skip
    assert sum(frame.grey[1] - frame.grey[0] < 0.1 for frame in kept) == 8
    names = [name for f in frames for name in (f.path, *f.copies, f.twin, f.cut) if name]
    assert len(names) == len({name.casefold() for name in names})


@pytest.mark.parametrize("seed", [0, 2, 7, 123456])
@pytest.mark.parametrize("size", [(40, 30), (40, 43), (55, 60), (1000, 700)])
def test_every_setting_can_be_planned(seed, size):
    frames = plan(Settings(seed=seed, originals=size[0], published=size[1]))
    assert sum(bool(frame.path) for frame in frames) == size[0]
    assert sum(len(frame.published) for frame in frames) == size[1]
    for name in (name for f in frames for name in (f.path, *f.copies, f.twin, f.cut) if name):
        assert files.safe_join(Path("root"), name)


def test_the_summary_says_what_was_written(made, frames):
    root, summary = made
    assert summary.archive["different originals"] == 48
    assert sum(summary.categories.values()) == SMALL.published
    assert summary.archive["not TIFF (some named .tif)"] + sum(
        len([name for name in (f.path, *f.copies, f.twin, f.cut) if name]) for f in frames
    ) == len(tree(root / "archive"))
    assert re.search(r"archive +different originals +48\n", str(summary))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"originals": 39}, "synthetic.originals is 39; it must be a whole number of at least 40"),
        ({"published": 3}, "synthetic.published is 3;"),
        ({"published": 300}, "synthetic.published is 300: 270 of them need an original"),
        ({"seed": -1}, "synthetic.seed is -1"),
        ({"width": 100}, "synthetic.width is 100"),
        ({"originals": 240.0}, "synthetic.originals is 240.0"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Settings(**wrong)


def make_nothing(frame, *, seed, root):
    return [], [], []


def fail(frame, *, seed, root):
    raise MemoryError


def test_an_earlier_result_is_replaced_whole_and_foreign_files_never(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_make", make_nothing)
    target = tmp_path / "raw"
    generate(SMALL, target, workers=1)
    (target / ".gitignore").write_text("/archive\n")
    (target / "archive" / "stale.tif").write_bytes(b"")
    generate(SMALL, target, workers=1)
    assert not (target / "archive" / "stale.tif").exists()
    assert (target / ".gitignore").read_text() == "/archive\n"
    mine = tmp_path / "mine"
    (mine / "archive").mkdir(parents=True)
    (mine / "archive" / "precious.tif").write_bytes(b"II")
    with pytest.raises(FileExistsError, match="archive, which was not generated"):
        generate(SMALL, mine, workers=1)
    assert (mine / "archive" / "precious.tif").read_bytes() == b"II"


def test_nothing_is_left_of_a_run_that_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_make", fail)
    with pytest.raises(MemoryError):
        generate(SMALL, tmp_path / "raw", workers=1)
    assert list(tmp_path.iterdir()) == []
