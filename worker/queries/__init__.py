"""Everything that a person sees: the state of the service, its output, and refused inputs.

Plain functions that return frozen dataclasses. Nothing here prints or changes anything.
"""
