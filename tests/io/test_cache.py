from __future__ import annotations

from semtrace.io import cache as module
from semtrace.io.cache import Cache, Kind, frozen

KIND, OTHER = Kind("kind", ("semtrace.io.files",)), Kind("other", ("semtrace.io.files",))


def test_what_was_put_is_got_also_by_a_reader(tmp_path):
    with Cache(tmp_path / "c.sqlite") as cache:
        assert cache.get(KIND, "digest") is None
        cache.put([(KIND, "digest", {"a": [1, None, "µ"]})])
        with Cache(tmp_path / "c.sqlite", readonly=True) as reader:
            assert reader.get(KIND, "digest") == {"a": [1, None, "µ"]}
            assert reader.get(OTHER, "digest") is None


def test_other_code_finds_nothing(tmp_path, monkeypatch):
    with Cache(tmp_path / "c.sqlite") as cache:
        cache.put([(KIND, "digest", 1)])
        monkeypatch.setattr(module, "code_digest", lambda *_: "changed")
        assert cache.get(KIND, "digest") is None


def test_a_disk_without_room_does_not_stop_the_work(tmp_path, capsys):
    with Cache(tmp_path / "c.sqlite") as cache:
        cache._db.execute("PRAGMA max_page_count = 3")
        cache.put([(KIND, str(number), "x" * 5000) for number in range(20)])
        assert "continuing without it" in capsys.readouterr().err
        cache.put([(KIND, "digest", 1)])
        assert cache.get(KIND, "digest") is None


def test_a_damaged_file_is_set_aside(tmp_path):
    file = tmp_path / "c.sqlite"
    file.write_bytes(b"not a database" * 1000)
    with Cache(file, readonly=True) as reader:
        assert reader.get(KIND, "digest") is None
    with Cache(file) as cache:
        cache.put([(KIND, "digest", 1)])
        assert cache.get(KIND, "digest") == 1
    assert (tmp_path / "c.sqlite.broken").exists()


def test_the_log_of_a_damaged_file_is_not_played_into_the_new_one(tmp_path):
    file = tmp_path / "c.sqlite"
    file.write_bytes(b"not a database" * 1000)
    (tmp_path / "c.sqlite-wal").write_bytes(b"a log of the old file")
    with Cache(file) as cache:
        cache.put([(KIND, "digest", 1)])
        assert (tmp_path / "c.sqlite.broken-wal").read_bytes() == b"a log of the old file"
        assert cache.get(KIND, "digest") == 1


def test_a_damaged_value_is_none(tmp_path):
    with Cache(tmp_path / "c.sqlite") as cache:
        cache.put([(KIND, "digest", 1)])
        cache._db.execute("UPDATE entry SET value = '{'")
        assert cache.get(KIND, "digest") is None


def test_a_flipped_bit_is_never_a_value(tmp_path):
    """A disk that changes a bit of a digit leaves a sound database with a wrong value in it."""
    file = tmp_path / "c.sqlite"
    wanted = {str(number): {"phash": f"{number:064x}", "width": 1000 + number} for number in range(40)}
    with Cache(file) as cache:
        cache.put([(KIND, digest, value) for digest, value in wanted.items()])
        cache._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole, lost = file.read_bytes(), 0
    for at in range(4096, len(whole), 37):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with Cache(file, readonly=True) as reader:
            for digest, value in wanted.items():
                found = reader.get(KIND, digest)
                assert found in (None, value)
                lost += found is None
    assert lost > 20


def test_other_machines_read_a_copy_that_does_not_change(tmp_path):
    with Cache(tmp_path / "c.sqlite") as cache:
        cache.put([(KIND, "1", "one")])
        with frozen(cache.path) as copy:
            cache.put([(KIND, "2", "two")])
            with Cache(copy, readonly=True) as reading:
                assert (reading.get(KIND, "1"), reading.get(KIND, "2")) == ("one", None)
            assert {path.name for path in tmp_path.glob("*.frozen*")} == {"c.sqlite.frozen"}
        assert not copy.exists()
        with frozen(cache.path) as copy, Cache(copy, readonly=True) as reading:
            assert reading.get(KIND, "2") == "two"


def test_without_a_cache_there_is_nothing_to_copy(tmp_path):
    (tmp_path / "c.sqlite").write_text("no database")
    with frozen(tmp_path / "c.sqlite") as copy, Cache(copy, readonly=True) as reading:
        assert reading.get(KIND, "1") is None


def test_many_are_asked_for_at_once_and_one_that_is_damaged_is_not_there(tmp_path):
    names = [f"{i:04}" for i in range(1203)]
    with Cache(tmp_path / "c.sqlite") as cache:
        cache.put((KIND, name, int(name)) for name in names[:-1])
        damaged = cache._db.execute(
            "UPDATE entry SET value = replace(value, '600', '601') WHERE key LIKE 'kind/%/0600'"
        )
        assert damaged.rowcount == 1
        found = cache.get_many(KIND, [*names, names[5]])
        assert found == [None if name in ("0600", names[-1]) else int(name) for name in names] + [5]
        assert cache.get_many(KIND, []) == []
