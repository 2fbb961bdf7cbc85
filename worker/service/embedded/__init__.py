"""The embedded Redis-compatible server of `newsdrop up`.

==========  ==================================================
``server``  its configuration, its socket, whether it is ready
``binary``  which server program is run
==========  ==================================================
"""
