"""`newsdrop status` and its neighbours.

============================================  ==================================
``commands``                                  status, jobs, audit, pause, resume
``status_view`` ``jobs_view`` ``audit_view``  how each is printed
``watch``                                     a view that renews itself
============================================  ==================================
"""
