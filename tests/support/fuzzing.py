"""How many random cases a test tries: a few in `make test`, thousands in `make fuzz`."""

import os
from typing import Final

_TIMES: Final = int(os.environ.get("FUZZ_TIMES", "1"))


def cases(usual: int) -> int:
    """Return the number of cases where `make test` tries `usual` ones."""
    return usual * _TIMES
