"""Feeds in XML, from files and from polls."""
