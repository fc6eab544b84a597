"""The command line: one verb for each stage, and those around them."""

from semtrace.cli.main import command

__all__ = ["command"]
