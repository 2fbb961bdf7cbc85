"""What `newsdrop up` runs: the embedded server, its children, the file-event listener.

=============================  ============================================================
``up`` ``detach``              the whole service; run it in the background
``state`` ``lock``             its state directory; one `up` for each, and `down`
``command_hint``               the command `newsdrop` as this terminal can call it
``supervise`` ``signals``      child processes kept running; stop signals
``pdeathsig`` ``reaper``       scripts that end children whose `up` was killed
``part``                       runs worker or beat as one child
``notify`` ``watchdog``        messages to systemd; liveness of a Celery process
``embedded``                   package: the embedded server
``listener``                   package: file events
``port``                       the status page's port, opened before its process starts
``child_logs``                 the children's logs, and the warnings in them
``welcome`` ``examples``       what is printed at the start; the example articles
``doctor`` ``doctor_machine``  checks of server, service and machine
=============================  ============================================================
"""
