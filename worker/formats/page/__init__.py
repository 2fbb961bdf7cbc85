"""HTML pages: the article, and what the page says of it.

================  =======================================================
``parser``        the article of a page
``body``          its body where no site rule knows it
``metadata``      what the page says in meta elements, microdata and text
``json_ld``       what it says in JSON-LD
``bylines``       names, outlets and dates in short texts
``links``         where its addresses lead; its next page
``size_limits``   what a page may cost, before a tree is built
``full_text``     a feed entry and its pages, made one article
``entry_bundle``  the same as bytes in the spool
================  =======================================================
"""
