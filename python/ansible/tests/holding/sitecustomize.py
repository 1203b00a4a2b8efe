"""Of every forked task: it holds the queue of results after it has told what it waits for."""

import multiprocessing
import signal
from multiprocessing.connection import Connection

send = Connection.send_bytes


def send_and_hold(self, message, *arguments):
    """What a task does that loses the processor between what it writes and the end of its lock."""
    send(self, message, *arguments)
    if multiprocessing.parent_process() is not None and b"versioner: waiting" in bytes(message):
        signal.pause()


Connection.send_bytes = send_and_hold
