"""newsdrop beside its peers: `python -m bench` (see :mod:`bench.__main__`)."""
