"""Feeds: which there are, and when each is polled next.

============  ==============================================================
``feed``      one feed: what the operator says of it, and what that must be
``catalog``   all feeds, from the config file and from the state directory
``managed``   the feeds that commands add and remove, in the state directory
``opml``      lists of feeds as other readers write and read them
``schedule``  when a feed is polled next: pure, the clock is an argument
============  ==============================================================
"""
