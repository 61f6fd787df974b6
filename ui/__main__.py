"""`python -m ui` is `stemqa`."""

import sys

from ui.cli import main

sys.exit(main())
