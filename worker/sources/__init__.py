"""Where files come from: each source only brings raw bytes into the spool.

===========  =====================================================
``folder``   drop folders: find what is ready, claim it in batches
``enqueue``  what a person names becomes batches at once
``names``    which file names are taken, and which never are
``left``     what the last look left alone, noted for `status`
``pause``    hold a source, and take from it again
``known``    whether a source of a name is configured
===========  =====================================================
"""
