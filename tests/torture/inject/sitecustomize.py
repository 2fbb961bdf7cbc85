"""On the PYTHONPATH of torture processes: switches off the mechanisms in TORTURE_WITHOUT."""

import os

if os.environ.get("TORTURE_WITHOUT"):
    from tests.torture.without import switch_off_named

    switch_off_named()
