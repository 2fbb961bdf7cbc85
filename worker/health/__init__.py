"""What must hold before newsdrop starts, and while it runs.

=============  ===========================================================
``preflight``  what folders, site rules, feeds and the server must be like
``check``      one finding
=============  ===========================================================
"""
