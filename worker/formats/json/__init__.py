"""JSON: documents, articles, JSON Feed.

============  ==========================================
``document``  JSON and NDJSON files; text to values
``article``   one article as an object
``feed``      JSON Feed
============  ==========================================
"""
