from semtrace.config.dag import ordered


def test_a_stage_waits_for_what_no_other_one_it_waits_for_waits_for():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "e"), ("d", "e"), ("a", "e")]
    assert ordered(edges) == [("a", []), ("d", []), ("b", ["a"]), ("c", ["b"]), ("e", ["c", "d"])]
