"""HTML pages: the article and its metadata.

================  =======================================================
``parser``        the article of a page
``body``          its body where no site rule applies
``metadata``      metadata in meta elements, microdata and text
``json_ld``       metadata in JSON-LD
``bylines``       names, outlets and dates in short texts
``links``         absolute addresses; the next page
``size_limits``   limits on a page, checked before a tree is built
``full_text``     a feed entry and its pages, made one article
``entry_bundle``  entry and pages as one file in the spool
================  =======================================================
"""
