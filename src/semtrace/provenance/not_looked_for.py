"""Which edits of published images a match did not look for, in words, and what it would cost to."""

from __future__ import annotations


def not_looked_for(unmatched: int, originals: int, geometry: bool | str) -> list[str]:
    """Which edits the match did not look for, and what it would cost to, where pictures stay unmatched; else nothing.

    Args:
        unmatched: published images.
        originals: files in the archive.
        geometry: what ``match.geometry`` was.
    """
    if not unmatched or geometry == "full":
        return []
    # Seconds of one core on 252 originals of 1,024 columns and 18 pictures (docs/architecture.md, "Cost").
    rectangles = 0.006 * originals + (0.05 + 0.0008 * originals) * unmatched
    framings = rectangles + 0.12 * originals + (1.7 + 0.0026 * originals) * unmatched
    lines = [f"  {unmatched} unmatched: their originals may not be in the archive. Not looked for:"]
    if not geometry:
        lines.append(
            "    cropped, turned, mirrored or negative pictures, panels, screenshots: match.geometry=true looks for "
            f"them, {_duration(rectangles)}"
        )
    lines.append(
        f"    any other framing, such as on a slide or skewed: match.geometry=full looks for it, {_duration(framings)}"
    )
    return lines


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"about {max(1, round(seconds))} s on one core"
    return (
        f"about {round(seconds / 60)} min on one core"
        if seconds < 7200
        else f"about {seconds / 3600:.0f} h on one core"
    )
