"""What a person sees: the state of the service, its output, and what was refused and why.

Plain functions that return frozen dataclasses. Nothing here prints or changes anything.
"""
