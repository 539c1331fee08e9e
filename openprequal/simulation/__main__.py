"""``python -m openprequal.simulation``: see ``commands.py``."""

import sys

from openprequal.simulation.commands import main

if __name__ == "__main__":
    sys.exit(main())
