"""`newsdrop` in a test's PATH: a fork (tests/template.py) becomes the command, with the streams,
environment and folder of this process. `python -I -S newsdrop.py SOCKET words…`"""

import json
import os
import signal
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: connection.send(bytes([number])))
order = json.dumps(
    {
        "words": ["worker.cli", *sys.argv[2:]],
        "environment": dict(os.environ),
        "cwd": os.getcwd(),
        "session": False,
    }
).encode()
socket.send_fds(connection, [len(order).to_bytes(8, "big")], [0, 1, 2])
connection.sendall(order)
for stream in range(3):
    os.close(stream)  # the command alone decides when its output ends
status = connection.recv(1)
os._exit(status[0] if status else 1)
