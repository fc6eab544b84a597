"""A surface seen from above: heights in pixels, the yield of its material, and the solids that pile up on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float64]


@dataclass
class Relief:
    """What the beam looks down on.

    Attributes:
        z: height of the visible surface in pixels, float64, shape (height, width); larger is nearer to the viewer.
        tone: secondary-electron yield of the material relative to the substrate, same shape.
    """

    z: Field
    tone: Field

    @classmethod
    def flat(cls, shape: tuple[int, int], height: float = 0.0, tone: float = 1.0) -> Relief:
        """A plane substrate."""
        return cls(np.full(shape, height), np.full(shape, tone))

    def window(self, x: float, y: float, reach: float) -> tuple[tuple[slice, slice], Field, Field]:
        """The part within ``reach`` of (x, y): its slices, and the offsets (dx, dy) as an open grid."""
        height, width = self.z.shape
        top, bottom = max(0, int(y - reach)), min(height, int(y + reach) + 2)
        left, right = max(0, int(x - reach)), min(width, int(x + reach) + 2)
        rows, columns = slice(top, max(top, bottom)), slice(left, max(left, right))
        dx = np.arange(columns.start, columns.stop, dtype=np.float64)[None, :] - x
        dy = np.arange(rows.start, rows.stop, dtype=np.float64)[:, None] - y
        return (rows, columns), dx, dy

    def put(self, where: tuple[slice, slice], z: Field, inside: NDArray[np.bool_], tone: float | Field) -> None:
        """Show a solid with surface ``z`` where it is ``inside`` and above what is there already."""
        seen = inside & (z > self.z[where])
        np.copyto(self.z[where], z, where=seen)
        np.copyto(self.tone[where], tone, where=seen)

    def base(self, x: float, y: float) -> float:
        """Height of the surface at the pixel nearest to (x, y), clamped to the picture."""
        height, width = self.z.shape
        return float(self.z[min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)])

    def rest(self, x: float, y: float, radius: float) -> float:
        """Height of the centre of a sphere that is let down at (x, y) until it touches what is there."""
        where, dx, dy = self.window(x, y, radius)
        step = 1 + int(radius / 10)  # every pixel of a large sphere is not needed
        below = radius**2 - dx[:, ::step] ** 2 - dy[::step] ** 2
        if below.size == 0:
            return radius
        touch = self.z[where][::step, ::step] + np.sqrt(np.maximum(below, 0.0))
        return float(np.max(touch, where=below > 0, initial=-1e6))


def blob(
    relief: Relief,
    x: float,
    y: float,
    radius: float,
    base: float,
    *,
    rise: float = 1.0,
    aspect: float = 1.0,
    angle: float = 0.0,
    wobble: ArrayLike = (),
    power: float = 2.0,
    tone: float = 1.0,
) -> None:
    """Put down the upper half of a (super)ellipsoid.

    Args:
        relief: changed in place.
        x: column of the centre in pixels.
        y: row of the centre.
        radius: long half axis in pixels.
        base: height of its equator.
        rise: height over the equator as a fraction of the short half axis.
        aspect: long over short half axis.
        angle: direction of the long axis in radians.
        wobble: rows (order, amplitude, phase) of an outline that is not quite round.
        power: 2 is an ellipsoid, larger is boxier.
        tone: material yield.
    """
    waves = np.asarray(wobble, dtype=np.float64).reshape(-1, 3)
    where, dx, dy = relief.window(x, y, radius * (1 + float(np.abs(waves[:, 1]).sum())))
    cosine, sine = np.cos(angle), np.sin(angle)
    along = (dx * cosine + dy * sine) / radius
    across = (dy * cosine - dx * sine) * (aspect / radius)
    rho = np.abs(along) ** power + np.abs(across) ** power
    if len(waves):
        phi = np.linspace(-np.pi, np.pi, 1025)
        outline = (1.0 + sum(a * np.cos(k * phi + p) for k, a, p in waves)) ** -power
        rho = rho * outline[((np.arctan2(across, along) / np.pi + 1.0) * 512).astype(np.intp)]
    inside = rho < 1.0
    z = base + rise * radius / aspect * np.sqrt(np.maximum(1.0 - rho, 0.0))
    relief.put(where, z, inside, tone)


def crystal(
    relief: Relief, x: float, y: float, radius: float, base: float, normals: Field, *, tone: float = 1.0
) -> None:
    """Put down a convex faceted solid: the lower envelope of tangent planes.

    Args:
        relief: changed in place.
        x: column of the centre in pixels.
        y: row of the centre.
        radius: of the inscribed sphere times the plane's own factor, in pixels.
        base: height of the centre.
        normals: rows (nx, ny, nz, distance factor), nz >= 0; planes with nz = 0 cut the outline.
        tone: material yield.
    """
    where, dx, dy = relief.window(x, y, radius * 1.7)
    z = np.full(np.broadcast_shapes(dx.shape, dy.shape), base + 2.0 * radius)
    inside = (dx**2 + dy**2) < (1.7 * radius) ** 2
    for nx, ny, nz, factor in normals:
        reach = radius * factor - nx * dx - ny * dy
        if nz < 0.05:
            inside = inside & (reach > 0)
        else:
            np.minimum(z, base + reach / nz, out=z)
    relief.put(where, z, inside & (z > base), tone)


def tube(relief: Relief, path: ArrayLike, radii: ArrayLike, *, rise: float = 1.0, tone: float = 1.0) -> None:
    """Put down a round tube along ``path`` (rows x, y, z of its axis) with ``radii`` at the path's points."""
    points = np.asarray(path, dtype=np.float64)
    widths = np.broadcast_to(np.asarray(radii, dtype=np.float64), (len(points),))
    for a, b, ra, rb in zip(points[:-1], points[1:], widths[:-1], widths[1:], strict=True):
        step = b - a
        length2 = float(step[0] ** 2 + step[1] ** 2)
        reach = max(float(ra), float(rb))
        where, dx, dy = relief.window(
            float(a[0] + b[0]) / 2, float(a[1] + b[1]) / 2, float(np.sqrt(length2)) / 2 + reach
        )
        if dx.size == 0 or dy.size == 0:
            continue
        dx, dy = dx + step[0] / 2, dy + step[1] / 2
        t = np.clip((dx * step[0] + dy * step[1]) / length2, 0.0, 1.0) if length2 > 0 else np.zeros_like(dx * dy)
        radius = ra + (rb - ra) * t
        lift = radius**2 - (dx - t * step[0]) ** 2 - (dy - t * step[1]) ** 2
        relief.put(where, a[2] + step[2] * t + rise * np.sqrt(np.maximum(lift, 0.0)), lift > 0, tone)


def strand(
    relief: Relief,
    start: tuple[float, float],
    end: tuple[float, float],
    radius: float,
    heights: tuple[float, float],
    *,
    bow: float = 0.0,
    ripple: ArrayLike = (),
    swell: ArrayLike = (),
    rise: float = 1.0,
    tone: float = 1.0,
) -> None:
    """Put down a long, nearly straight fibre quickly: one pass over its own pixels.

    Args:
        relief: changed in place.
        start: (x, y) of one end in pixels, inside or outside the picture.
        end: (x, y) of the other.
        radius: in pixels.
        heights: of its axis at the two ends.
        bow: sideways deflection in the middle, in pixels.
        ripple: rows (cycles, amplitude in pixels, phase) of further sideways waves.
        swell: rows (cycles, fraction of the radius, phase) of thickness.
        rise: height of the section over its half width; below 1 it is a ribbon.
        tone: material yield.
    """
    (x0, y0), (x1, y1) = start, end
    steep = abs(y1 - y0) > abs(x1 - x0)
    if steep:
        x0, y0, x1, y1 = y0, x0, y1, x1
    z0, z1 = heights
    if x1 < x0:
        x0, y0, x1, y1, z0, z1 = x1, y1, x0, y0, z1, z0
    z, tones = (relief.z.T, relief.tone.T) if steep else (relief.z, relief.tone)
    first, last = max(0, int(np.ceil(x0 - radius))), min(z.shape[1] - 1, int(np.floor(x1 + radius)))
    if last <= first or x1 - x0 < 1:
        return
    columns = np.arange(first, last + 1)
    t = (columns - x0) / (x1 - x0)
    centre = y0 + (y1 - y0) * t + bow * 4 * t * (1 - t)
    for cycles, amplitude, phase in np.asarray(ripple, dtype=np.float64).reshape(-1, 3):
        centre = centre + amplitude * np.sin(2 * np.pi * cycles * t + phase)
    wide = np.full(t.shape, radius)
    for cycles, fraction, phase in np.asarray(swell, dtype=np.float64).reshape(-1, 3):
        wide = wide * (1 + fraction * np.sin(2 * np.pi * cycles * t + phase))
    slant = np.sqrt(1 + np.gradient(centre) ** 2)  # vertical extent of a sloping fibre
    band = np.arange(-int(np.ceil((wide * slant).max())) - 1, int(np.ceil((wide * slant).max())) + 2)
    rows = np.floor(centre).astype(np.intp)[:, None] + band[None, :]
    off = (rows - centre[:, None]) / slant[:, None]
    lift = wide[:, None] ** 2 - off**2
    height = (z0 + (z1 - z0) * t)[:, None] + rise * np.sqrt(np.maximum(lift, 0.0))
    slope = (y1 - y0) / (x1 - x0)
    reach = columns[:, None] - x0 + slope * (rows - y0)  # ends are cut square to the fibre
    seen = (lift > 0) & (rows >= 0) & (rows < z.shape[0]) & (reach > 0) & (reach < (x1 - x0) * (1 + slope**2))
    across = np.broadcast_to(columns[:, None], rows.shape)[seen]
    down, height = rows[seen], height[seen]
    above = height > z[down, across]
    z[down[above], across[above]] = height[above]
    tones[down[above], across[above]] = tone


def facet(relief: Relief, corners: ArrayLike, *, tone: float | Field = 1.0) -> None:
    """Put down a flat convex polygon given by its corners (rows x, y, z, in order around it)."""
    points = np.asarray(corners, dtype=np.float64)
    middle = points.mean(axis=0)
    reach = float(np.hypot(points[:, 0] - middle[0], points[:, 1] - middle[1]).max())
    where, dx, dy = relief.window(float(middle[0]), float(middle[1]), reach)
    offset = points - middle
    turned = np.roll(offset, -1, axis=0)
    normal = np.cross(offset, turned).sum(axis=0)
    if abs(normal[2]) < 1e-9 or dx.size == 0 or dy.size == 0:
        return  # seen edge-on
    inside = np.ones(np.broadcast_shapes(dx.shape, dy.shape), dtype=bool)
    for (ax, ay, _), (bx, by, _) in zip(offset, turned, strict=True):
        inside &= ((bx - ax) * (dy - ay) - (by - ay) * (dx - ax)) * np.sign(normal[2]) >= 0
    z = middle[2] - (normal[0] * dx + normal[1] * dy) / normal[2]
    relief.put(where, z, inside, tone)


def extrude(
    relief: Relief, mask: NDArray[np.bool_], height: float, *, lean: float = 0.0, tone: float = 1.0, wall: float = 1.5
) -> None:
    """Raise what ``mask`` marks by ``height`` pixels, seen from the front at an angle.

    A point at height z appears z * ``lean`` pixels further up (lean = tangent of the tilt), so with lean above 0 the
    front walls come into view. Painting from the bottom up is exact for parallel projection.

    Args:
        relief: changed in place; its z at a raised pixel becomes base + height.
        mask: footprint, same shape as the relief.
        height: in pixels.
        lean: 0 is seen from straight above.
        tone: yield of the top.
        wall: yield of the walls relative to the top; flanks are bright.
    """
    steps = round(height * lean)
    if steps == 0:
        relief.z[mask] += height
        relief.tone[mask] = tone
        return
    floor = relief.z.copy()
    for step in range(steps + 1):
        part = step / steps
        source = mask[step:] if step else mask
        rows = slice(0, mask.shape[0] - step)
        base = floor[step:] if step else floor
        np.copyto(relief.z[rows], base + height * part, where=source)
        shade = tone if step == steps else tone * wall * (0.35 + 0.65 * part)
        np.copyto(relief.tone[rows], shade, where=source)
