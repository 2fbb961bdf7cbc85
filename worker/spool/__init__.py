"""The spool: its files are the truth about what was accepted, its locks about who works on it.

::

    <drop>/.newsdrop/ or <state>/spool/        a root: everything in it is on one file system
        staging/<batch>/                       being made or being removed; no worker reads it
        work/<batch>/                          accepted: waiting or being worked on
            lock  manifest  journal  0 1 2 …
        owner  owner.lock  adopted             which state directory it belongs to (drop folders)
    <state>/archive/<day>/<source>/<batch>.{tar.zst,jsonl}
    <state>/quarantine/<id>/{raw,error.json}
    <state>/wanted/<name>                      feed entries whose pages are still to be fetched
    <state>/accepted/<day>.log                 every accepted batch
    <state>/redis-run-id                       what was last seen of Redis
    <state>/id                                 recognizes the state directory as an owner
    <state>/spools                             every drop folder's root that was ever used
    <state>/slots/<name>-<number>              lock files: how many processes may do one thing

A file is accepted by the rename that brings it into a batch. It leaves the batch only after its
outcome is in an archive segment.
"""
