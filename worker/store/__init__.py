"""The store: the stream, the index that keeps it free of duplicates, jobs and counters in Redis.

Nothing else in newsdrop imports redis.

==============  ================================================================================
``articles``    publishing articles and querying the index: `publish`, `lookup`, `exists.lua`
``stream``      reading the stream
``layout``      the keys, and the bytes of the index
``leases``      which feeds and pages are due, at their hosts' pace: `take.lua`, `finish.lua`
``feeds``       the state of feeds: `record_documents.lua`
``pages``       the schedule of wanted pages; a cache of robots.txt
``counters``    totals and measures, each batch counted once: `settle`, `snapshot`, `minutes.lua`
``jobs``        what one enqueue, or one source within an hour, brought in
``workers``     heartbeats, the scheduler's last tick, waiting task messages
``server``      version, memory and durability of the server
``connection``  connecting; how commands and Lua scripts are sent
``errors``      the errors of redis-py, translated
``factory``     makes the stores from the settings
==============  ================================================================================
"""
