"""JSON: documents, articles, JSON Feed.

=====================  ===============================================
``document`` ``text``  JSON and NDJSON; text to values at bounded cost
``article``            one article as an object
``feed``               JSON Feed
=====================  ===============================================
"""
