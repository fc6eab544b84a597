"""From candidates to an answer: matched, ambiguous or unmatched, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

EXCELLENT_SSIM = 0.95
EXCELLENT_CORRELATION = 0.95
Proof = Literal["verdict", "identical_bytes", "name_digest", "reencoded", ""]
_STRENGTH: dict[Proof, int] = {"verdict": 0, "identical_bytes": 1, "name_digest": 2, "reencoded": 3, "": 4}
Outcome = Literal["matched", "ambiguous", "unmatched"]


@dataclass(frozen=True)
class Criteria:
    """What a match must satisfy.

    Attributes:
        hamming_threshold: candidates are nearer than this, bits of the hash in use.
        ssim_trigger: candidates nearer than this are compared by SSIM, bits of the hash in use.
        min_ssim: smallest SSIM of a match, -1 to 1.
        min_correlation: smallest high-pass correlation of a match, -1 to 1.
        min_margin: smallest lead in SSIM over the best candidate of another content.
        min_hamming_margin: the same in bits, where no image could be compared.

    """

    hamming_threshold: float
    ssim_trigger: float
    min_ssim: float
    min_correlation: float
    min_margin: float
    min_hamming_margin: float


@dataclass(frozen=True)
class Candidate:
    """One original content that may be behind a published image.

    Attributes:
        path: the original, relative to the archive; of equal contents the keeper.
        hamming: bits between the hashes, the smaller of full frame and picture without data bar.
        ssim: SSIM without the data bar (-1 to 1), None where it was not computed.
        correlation: high-pass correlation (-1 to 1), None where SSIM is.
        whole: whether the published image has the whole frame of this original.
        picture: identifies the pixels above the data bar; ``""`` where it is not known.
        crop: the part of the original that was published, ``<width>x<height>+<left>+<top>`` in its pixels; ``""``: all.
        symmetry: what was done to the original before it was published, as ``core/image/symmetry.py`` names it.
        place: where on the published page the picture stands, in the same words in its pixels; ``""``: it is the page.
        agreement: part of the frame that agrees, 0 to 1; None where it was not looked for, or says nothing.
        agrees: whether both show one place in one framing; None where ``agreement`` is.
        same_frame: whether both are one exposure, by their detail; False also where nobody can tell.
        angle: degrees by which the original's rows were turned counter-clockwise; None where none was looked for.
        scale: published pixels for one of the original, along a side; None where ``angle`` is.
        proof: ``"verdict"`` (a person's word), ``"identical_bytes"``, ``"name_digest"``, ``"reencoded"``, or ``""``.

    """

    path: str
    hamming: int
    ssim: float | None = None
    correlation: float | None = None
    whole: bool = False
    picture: str = ""
    symmetry: str = "identity"
    crop: str = ""
    place: str = ""
    agreement: float | None = None
    agrees: bool | None = None
    same_frame: bool = False
    angle: float | None = None
    scale: float | None = None
    proof: Proof = ""

    @property
    def identity(self) -> str:
        """The picture: an original kept with and without its data bar is one, which is published once."""
        return self.picture or self.path


@dataclass(frozen=True)
class Decision:
    """The answer for one published image.

    ``margin`` is the lead over the runner-up with different content: SSIM where both were compared, else bits;
    None where there is no runner-up.
    """

    outcome: Outcome
    best: Candidate | None
    runner_up: Candidate | None
    evidence: Proof | Literal["ssim", "blocks", "hamming"]
    margin: float | None
    reason: str

    @property
    def level(self) -> Literal["frame", "field", ""]:
        """What is matched: this very exposure (``frame``), or its place, while the exposure cannot be told."""
        if self.outcome != "matched" or self.best is None:
            return ""
        return "frame" if self.best.proof or self.best.same_frame else "field"


def rank(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Best first: proven candidates, compared ones by falling SSIM, then the others by Hamming distance.

    Of the compared ones those of the same exposure lead, then those that agree place by place. Of equal ones that with
    the whole frame comes first, then the nearer, then by path.
    """
    return sorted(
        candidates,
        key=lambda c: (
            _STRENGTH[c.proof],
            c.ssim is None,
            not c.same_frame,
            not c.agrees,
            -(c.ssim or 0.0) if c.ssim is not None else 0.0,
            not c.whole,
            c.hamming,
            c.path,
        ),
    )


def decide(
    candidates: Sequence[Candidate], criteria: Criteria, *, images: bool = True, complete: bool = True
) -> Decision:
    """Choose among candidates of different content, all nearer than the Hamming threshold.

    Args:
        candidates: at most one per content; may be empty.
        criteria: see there.
        images: False when only hash tables are at hand: then the Hamming distance is all the evidence there is,
            and a distance below the SSIM trigger with enough lead counts as a match.
        complete: False when the list of candidates was cut: then only an excellent SSIM (> 0.95) is a match.

    """
    if not candidates:
        return Decision("unmatched", None, None, "", None, "no_candidate")
    best, *others = rank(candidates)
    # An original kept with and without its data bar is one picture: no rival of itself.
    rivals = [other for other in others if not other.picture or other.picture != best.picture]
    runner_up = rivals[0] if rivals else None
    margin: float | None = None
    if best.proof:
        if best.ssim is not None and runner_up is not None and runner_up.ssim is not None:
            margin = round(best.ssim - runner_up.ssim, 6)
        rival = runner_up is not None and runner_up.proof != ""
        reason = "proven_for_several" if rival else "proven"
        return Decision("ambiguous" if rival else "matched", best, runner_up, best.proof, margin, reason)
    if best.ssim is None:
        if runner_up is not None:
            margin = float(runner_up.hamming - best.hamming)
        outcome, reason = _by_hamming(best, margin, criteria, images)
        return Decision(outcome, best, runner_up, "hamming", margin, reason)
    if best.agrees:
        # What does not agree is no rival, nor is another exposure where this one can be told.
        rivals = [other for other in rivals if _is_rival(other, best)]
        runner_up = rivals[0] if rivals else None
    if runner_up is not None and runner_up.ssim is not None:
        margin = round(best.ssim - runner_up.ssim, 6)
    evidence: Literal["ssim", "blocks"] = "ssim"
    outcome, reason = _by_similarity(best, margin, criteria, complete)
    if best.agrees is False and outcome == "matched":
        outcome, reason = "ambiguous", "another_framing"
    elif best.agrees and reason not in ("ssim", "runner_up_too_close"):
        evidence = "blocks"
        if margin is not None and margin < criteria.min_margin:
            outcome, reason = "ambiguous", "runner_up_too_close"
        elif not complete and not best.same_frame:
            outcome, reason = "ambiguous", "candidates_cut"
        else:
            outcome, reason = "matched", "blocks_agree"
    preferred = _preferred_by_correlation(best, rivals)
    if outcome == "matched" and preferred is not None and preferred.ssim is not None:
        margin = round(best.ssim - preferred.ssim, 6)
        return Decision("ambiguous", best, preferred, evidence, margin, "runner_up_too_close")
    return Decision(outcome, best, runner_up, evidence, margin, reason)


def _preferred_by_correlation(best: Candidate, rivals: Sequence[Candidate]) -> Candidate | None:
    """The rival whose fine structure is most like the published image's, if more like it than that of the best by SSIM.

    SSIM follows brightness, which differs between exposures of one place, and which an edit of tones changes.
    """
    return max((rival for rival in rivals if _correlation(rival) > _correlation(best)), key=_correlation, default=None)


def _correlation(candidate: Candidate) -> float:
    return -1.0 if candidate.correlation is None else candidate.correlation


def _is_rival(other: Candidate, best: Candidate) -> bool:
    """Whether another candidate contends with the best one, which agrees place by place."""
    if other.ssim is None:
        return False
    return other.same_frame if best.same_frame else other.agrees is not False


def _by_similarity(best: Candidate, margin: float | None, criteria: Criteria, complete: bool) -> tuple[Outcome, str]:
    """By SSIM and correlation of the whole frame."""
    assert best.ssim is not None  # noqa: S101  (for mypy)
    assert best.correlation is not None  # noqa: S101  (for mypy: what has an SSIM has a correlation)
    if best.correlation < criteria.min_correlation:
        return "unmatched" if best.ssim < criteria.min_ssim else "ambiguous", "correlation_too_low"
    if best.ssim < criteria.min_ssim:
        return "ambiguous", "ssim_too_low"
    if best.ssim <= EXCELLENT_SSIM and best.correlation < EXCELLENT_CORRELATION:
        # Another frame of the series that the missing original belongs to is acceptable by both, excellent by neither.
        return "ambiguous", "neither_excellent"
    if margin is not None and margin < criteria.min_margin:
        return "ambiguous", "runner_up_too_close"
    if not complete and best.ssim <= EXCELLENT_SSIM:
        return "ambiguous", "candidates_cut"
    return "matched", "ssim"


def _by_hamming(best: Candidate, margin: float | None, criteria: Criteria, images: bool) -> tuple[Outcome, str]:
    if images:
        return (
            "ambiguous",
            "not_comparable" if best.hamming < criteria.ssim_trigger else "beyond_ssim_trigger",
        )
    if best.hamming >= criteria.ssim_trigger:
        return "ambiguous", "beyond_ssim_trigger"
    if margin is not None and margin < criteria.min_hamming_margin:
        return "ambiguous", "runner_up_too_close"
    return "matched", "hamming_only"
