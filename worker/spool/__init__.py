"""The spool: its files are the truth about what was accepted, its locks about who works on it.

::

    <drop>/.newsdrop/ or <state>/spool/        a root: everything in it is on one file system
        staging/<batch>/                       being made or being removed; nobody looks into it
        work/<batch>/                          accepted: waiting or being worked on
            lock  manifest  journal  0 1 2 …
    <state>/archive/<day>/<source>/<batch>.{tar.zst,jsonl}
    <state>/quarantine/<id>/{raw,error.json}
    <state>/wanted/<name>                      feed entries whose pages are still to be fetched
    <state>/accepted/<day>.log                 every accepted batch
    <state>/spools                             every drop folder's root that was ever used
    <state>/slots/<name>-<number>              lock files: how many processes may do one thing

A file is accepted by the rename that brings it into a batch. It leaves the batch only after its
outcome is in an archive segment.

==========================  =========================================================
``claim``                   files become a batch; the log of accepted batches
``batch``                   lists waiting batches; holds one while it is worked on
``manifest`` ``journal``    in a batch: the names of its entries; their outcomes
``archive``                 finished batches: raw files and every decision
``quarantine``              refused inputs, each with its reason
``wanted``                  feed entries that wait for their pages
``waiting``                 the waiting batches, counted cheaply for status pages
``folder_cache``            what folders hold, remembered until they change
``lockfile``                lock files, their holders, and slots
``filesystem``              free space, the right to write, whether locks work
``layout``                  roots, batch names, durable writes
==========================  =========================================================
"""
