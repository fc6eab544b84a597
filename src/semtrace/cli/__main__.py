"""``python -m semtrace.cli.main.main.main`` is the command ``semtrace``."""

import sys

from semtrace.cli.main import command

sys.exit(command())
