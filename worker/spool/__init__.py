"""The spool: files are the truth about what was accepted, and locks about who works on it.

::

    <drop>/.newsdrop/ or <state>/spool/        a root: everything in it is on one file system
        staging/<batch>/                       being made or being removed; never looked into
        work/<batch>/                          accepted, waiting or worked on
            lock  manifest  journal  0 1 2 …
    <state>/archive/<day>/<source>/<batch>.{tar.zst,jsonl}
    <state>/quarantine/<id>/{raw,error.json}
    <state>/wanted/<name>                      articles of feeds whose pages are to be fetched
    <state>/accepted/<day>.log
    <state>/spools                             every drop folder's root there ever was

An article's file is accepted by the rename that brings it into a batch, and leaves the batch
only after its outcome is in an archive segment.

==========================  =========================================================
``claim``                   files become a batch
``batch``                   which batches wait; holding one while it is worked on
``manifest`` ``journal``    in a batch: what its entries are called; what is decided
``archive``                 finished batches, the ledger of every decision
``quarantine``              refused inputs, each with its reason
``wanted``                  articles that wait for their pages
``registry``                drop folders that are none any more: what waits there
``accepted``                the list of batches, so that `audit` can miss one
``lockfile``                who holds a lock file: what each process works on
``waiting``                 the waiting batches, counted cheaply: asked every second
``folder_cache``            what folders hold, remembered until they change
``free_space``              intake pauses before the disk is full
``probe_fs``                whether a folder can be written and locked
``layout``                  roots, batch names, durable writes
``filenames``               which file names are taken from a drop folder
==========================  =========================================================
"""
