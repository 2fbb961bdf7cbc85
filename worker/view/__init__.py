"""The view of the work: what waits, what came out, what was refused and why.

Plain functions that return frozen dataclasses. Nothing here prints, and nothing changes the work.
"""
