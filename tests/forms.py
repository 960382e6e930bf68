"""How thorough a run is: `make test` is the short form; FORM=long leaves nothing out."""

import os

IS_LONG = os.environ.get("FORM") == "long"
