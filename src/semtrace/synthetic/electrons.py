"""How a scanning electron microscope turns a relief into a picture: yield, shadowing, blur, noise, charging.

The model is the textbook one (Reimer, Scanning Electron Microscopy, 2nd ed., ch. 4-6): secondary-electron yield
grows as 1/cos of the local tilt, so flanks and edges are bright; electrons from pits are caught, so pits are
dark; a detector at one side adds a weak lateral shading; the number of electrons per pixel is small, so the
noise is shot noise.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from semtrace.synthetic.fields import TextureField, blur
from semtrace.synthetic.relief import Relief


def _slope(z: TextureField, axis: int) -> TextureField:
    """Slope along ``axis``: the gentler of the two sides, so that a silhouette does not stain the background."""
    slope = np.empty(z.shape)
    step, out = (np.diff(z, axis=axis), slope) if axis else (np.diff(z, axis=0).T, slope.T)
    size = np.abs(step)
    out[:, 0], out[:, -1] = step[:, 0], step[:, -1]
    out[:, 1:-1] = step[:, 1:]
    np.copyto(out[:, 1:-1], step[:, :-1], where=size[:, :-1] <= size[:, 1:])
    return slope


def secondary_electrons(
    relief: Relief,
    *,
    edge: float = 0.5,
    side: float = 0.25,
    direction: float = -2.2,
    pits: float = 0.8,
    rims: float = 0.35,
    reach: tuple[float, ...] = (3.0, 12.0),
) -> TextureField:
    """Signal of every pixel, float64, positive; a flat substrate of tone 1 gives about 1.

    Args:
        relief: the surface.
        edge: weight of the tilt contrast.
        side: weight of the lateral shading by the detector.
        direction: where the detector is, radians.
        pits: how strongly lower places than their surroundings are darkened.
        rims: how strongly places above their surroundings are brightened (edge effect).
        reach: radii of these surroundings in pixels.
    """
    dx, dy = _slope(relief.z, 1), _slope(relief.z, 0)
    tilt = np.sqrt(1.0 + dx * dx + dy * dy)
    dx *= -side * np.cos(direction)
    dx += dy * (-side * np.sin(direction))
    dx /= tilt
    signal = np.minimum(tilt, 4.5)
    signal -= 1.0
    signal *= edge
    signal += dx
    signal += 1.0
    signal *= relief.tone
    for radius in reach:
        depth = blur(relief.z, radius)
        depth -= relief.z
        depth /= radius
        np.clip(depth, -1.0, 3.0, out=depth)
        signal *= 1.0 - rims * np.minimum(depth, 0.0)
        np.maximum(depth, 0.0, out=depth)
        depth *= -pits
        signal *= np.exp(depth, out=depth)
    return signal


def levels(signal: TextureField, black: float, white: float, *, tail: float = 0.5) -> TextureField:
    """Set brightness and contrast: all but ``tail`` percent at either end spread from ``black`` to ``white``."""
    low, high = np.percentile(signal[::3, ::3], (tail, 100.0 - tail))
    return np.asarray(black + (white - black) * (signal - low) / max(float(high - low), 1e-9))


def expose(
    picture: TextureField,
    rng: np.random.Generator,
    *,
    dose: float = 60.0,
    focus: tuple[float, float] = (0.7, 0.7),
    lines: float = 0.0,
    charging: float = 0.0,
) -> NDArray[np.float64]:
    """One recorded frame: the beam's blur, shot noise, line noise and charging streaks; fresh noise at every call.

    Args:
        picture: noise-free grey values, 0 black to 1 white.
        rng: the frame's own noise.
        dose: electrons per pixel at white; 20 is a fast scan, 400 a slow one.
        focus: beam blur in pixels (vertical, horizontal); unequal means astigmatism.
        lines: standard deviation of the offset between scan lines, in grey values of 0..1.
        charging: strength of the streaks that follow bright places along the scan line.

    Returns:
        float64, same shape, clipped to 0..1.
    """
    frame = np.asarray(scipy.ndimage.gaussian_filter(picture, focus, truncate=3.0), dtype=np.float64)
    if charging > 0:
        bright = np.clip(frame - 0.8, 0.0, None)
        trail = scipy.ndimage.uniform_filter1d(bright, 161, axis=1, mode="constant", origin=80)
        per_line = 0.5 + rng.random((frame.shape[0], 1))
        frame = frame - charging * 6.0 * trail * per_line
    if lines > 0:
        frame = frame + lines * rng.standard_normal((frame.shape[0], 1))
    grain = rng.standard_normal(frame.shape)
    frame = frame + np.sqrt(np.clip(frame, 0.01, None) / dose) * grain
    return np.clip(frame, 0.0, 1.0)
