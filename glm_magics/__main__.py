"""``python -m glm_magics`` is ``glm-magics``."""

import sys

from .program import main

sys.exit(main())
