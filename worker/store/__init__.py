"""The store: the stream, the index that keeps it free of duplicates, jobs and counters in Redis.

Nothing else in newsdrop imports redis.

==========================  =====================================================================
``articles``                offering articles, asking the index: `publish`, `known`, `marked.lua`
``stream``                  reading the stream
``layout``                  the keys, and the bytes of the index
``leases``                  what is due to be fetched, at its host's pace: `take.lua`, `done.lua`
``feeds``                   what is remembered of feeds, what was read of them: `observed.lua`
``pages``                   when wanted pages are fetched; robots.txt
``tally``                   counters, each batch counted once: `settle.lua`, `snapshot.lua`
``measures``                what is added up beside the counters: `minutes.lua`
``jobs``                    what one enqueue, or a source's hour, brought in
``workers``                 heartbeats, and the scheduler's last tick
``wakeups``                 how many task messages wait
``server``                  what the server is and promises
``connection``              one way to a server, and what its errors mean
``script`` ``wire_format``  Lua called by its hash; a command in one piece
``factory``                 the stores as the settings have them
==========================  =====================================================================
"""
