"""The same newsdrop as the command line's tests have."""

from tests.cli.conftest import home, lonely

__all__ = ["home", "lonely"]
