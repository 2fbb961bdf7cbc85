"""On the PYTHONPATH of a torture's processes: switches off what TORTURE_WITHOUT names."""

import os

if os.environ.get("TORTURE_WITHOUT"):
    from tests.torture.without import switch_off_named

    switch_off_named()
