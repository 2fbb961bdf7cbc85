"""What `newsdrop up` runs: the embedded server, its children, the file-event listener.

=================================  =============================================================
``up`` ``down`` ``detach``         the whole service; stopping it; going on in the background
``state`` ``lock`` ``called``      its directory; one `up` for each; how it was called
``supervise`` ``signals``          children kept running; what ends them
``leash`` ``reaper``               programs of their own that end children whose `up` was killed
``part``                           one child of it
``notify`` ``vigil``               what systemd is told; whether a Celery process does its work
``embedded`` ``server_binary``     the server it runs; which program that is
``ready``                          whether its worker answers
``page`` ``port``                  its status page as a child; the port that is opened for it
``logs``                           the children's logs, and the warnings in them
``listen`` ``listener`` ``watch``  file events: the process, what it rings for, inotify
``welcome`` ``examples``           what is said at the start; the examples
``doctor`` ``doctor_machine``      what is wrong with server, service and machine
=================================  =============================================================
"""
