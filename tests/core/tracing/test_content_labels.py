import csv

from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.tracing.content_labels import Labelled, join_labels


def test_the_case_of_two_sets(cases):
    with (cases / "discovery" / "02_labels.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    labels, conflicts = join_labels(Labelled(row["set"], row["path"], row["md5"], row["category"]) for row in rows)
    assert {content: label.category for content, label in labels.items()} == {
        "11": "Tips", "44": "Fibres", "55": "Biological",
    }  # fmt: skip
    assert sorted(conflicts) == ["22", "33"]
    assert conflicts["33"].categories == ("Particles", "Powder")
    assert sum(len(one.files) for one in conflicts.values()) == 4
    assert len(rows) == 8
    assert len(labels) + len(conflicts) == 5


def test_subcategories_that_differ_leave_the_category():
    files = [Labelled("A", "Tips/x/1.jpg", "1", "Tips", "x"), Labelled("B", "Tips/2.jpg", "1", "Tips")]
    assert join_labels(files)[0]["1"].subcategory == "x"
    files.append(Labelled("C", "Tips/y/1.jpg", "1", "Tips", "y"))
    assert (join_labels(files)[0]["1"].category, join_labels(files)[0]["1"].subcategory) == ("Tips", "")


FILES = st.lists(
    st.builds(
        lambda s, n, c, k: Labelled(s, f"{k}/{n}", c, k), st.sampled_from("AB"), st.integers(0, 99),
        st.sampled_from("12345"), st.sampled_from(["Tips", "Powder", "Fibres"]),
    )
)  # fmt: skip


@given(FILES, st.randoms())
def test_every_content_is_either_and_the_order_does_not_matter(files, random):
    labels, conflicts = join_labels(files)
    assert labels.keys() | conflicts.keys() == {file.content for file in files}
    assert not labels.keys() & conflicts.keys()
    kept = [file for one in [*labels.values(), *conflicts.values()] for file in one.files]
    assert sorted(kept) == sorted(files)
    shuffled = list(files)
    random.shuffle(shuffled)
    assert join_labels(shuffled) == (labels, conflicts)
