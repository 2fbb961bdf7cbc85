"""Feeds in XML, from files and from pollers.

=======================  =================================================
``rss_atom`` ``survey``  RSS and Atom; which of two libraries reads a feed
``sitemap``              news sitemaps
``polled``               what a poller received: a feed, and nothing else
``xml_text``             XML text made safe for parsers
``discovery``            the feeds that a page names
=======================  =================================================
"""
