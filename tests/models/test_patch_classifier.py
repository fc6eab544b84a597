"""A written classifier is read back, whatever facts of other weights are given with it."""

from __future__ import annotations

from semtrace.models.patch_classifier import PACKAGED, read_classifier, read_model_facts, write_classifier


def test_the_digest_is_that_of_the_bytes_beside_it(tmp_path):
    classifier = read_classifier(PACKAGED)
    digest = write_classifier(tmp_path, classifier, {"sha256": "0" * 64, "kind": "resnet34", "weights": "packaged"})
    facts = read_model_facts(tmp_path)
    assert (facts["sha256"], facts["kind"], facts["weights"]) == (digest, "resnet34", "packaged")
    assert (read_classifier(tmp_path).reference == classifier.reference).all()
