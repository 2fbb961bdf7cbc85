"""What must hold before newsdrop starts, and while it runs.

=============  ===================================================
``preflight``  checks of folders, site rules, feeds and the server
=============  ===================================================
"""
