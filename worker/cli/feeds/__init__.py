"""`newsdrop feeds`.

=================  ========================================================
``commands``       list, add, remove, refresh, reset-errors, import, export
``listing``        feeds as a table
``feed_messages``  the result of a change to feeds
``opml``           import and export
=================  ========================================================
"""
