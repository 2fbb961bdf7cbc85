"""`newsdrop feeds`.

==============  ========================================================
``commands``    list, add, remove, refresh, reset-errors, import, export
``feed_table``  the table of `feeds list`, with failures and notices
``opml``        import and export of OPML lists
==============  ========================================================
"""
