"""Feeds in XML, from files and from polls.

=========================  =================================================
``rss_atom`` ``tag_scan``  RSS and Atom; which of two libraries reads a feed
``sitemap``                news sitemaps
``polled``                 the answer to a poll: a feed, and nothing else
``xml_text``               XML text made safe for parsers
``discovery``              the feeds that a page links to
=========================  =================================================
"""
