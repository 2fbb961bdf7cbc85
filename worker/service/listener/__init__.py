"""The file-event listener.

================  =========================================
``process``       `newsdrop listen`
``listener``      wakes `newsdrop.scan` when a file arrives
``folder_watch``  one drop folder under inotify
================  =========================================
"""
