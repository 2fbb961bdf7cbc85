"""Faults on the running product, and what became of every accepted article: `make torture`.

- `__main__.py` the program: the faults in turn, the table, the seed
- `round.py` one round's randomness and time, and what it found
- `oracle.py` the figures: accepted = published + duplicate + quarantined + waiting
- `news.py` the articles that are written, and their writers
- `field.py` a server, a state directory and a service for one round
- `service.py` worker and beat as processes that are started again whenever they end
- `proxy.py` a way to the server that cuts, delays and loses replies
- `seam.py` the file system calls of this process: recorded, or made to fail
- `without.py`, `inject/` a mechanism switched off, here and in child processes
- `faults/` one module for each kind of fault
"""
