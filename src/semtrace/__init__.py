"""semtrace: trace published electron-microscope images back to their originals."""

__version__ = "0.1.0"
