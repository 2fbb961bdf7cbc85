"""What `newsdrop up` runs: the embedded server, its children, the file-event listener.

=============================  ===========================================================
``up`` ``down`` ``detach``     the whole service; stop it; run it in the background
``state`` ``lock``             its state directory; one `up` for each
``command_hint``               `newsdrop` as this terminal can call it
``supervise`` ``signals``      children kept running; what ends them
``pdeathsig`` ``reaper``       programs that end children whose `up` was killed
``part``                       one child of it
``notify`` ``watchdog``        what systemd receives; whether a Celery process still works
``embedded``                   package: the server it runs
``listener``                   package: file events
``ready``                      whether its worker answers
``page`` ``port``              its status page as a child; the port opened for it
``child_logs``                 the children's logs, and the warnings in them
``welcome`` ``examples``       what is printed at the start; the examples
``doctor`` ``doctor_machine``  what is wrong with server, service and machine
=============================  ===========================================================
"""
