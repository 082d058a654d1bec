"""What a reader that does not read may cost: the kernel's part of it.

The heart holds a bounded log per reply and nothing per reader, the server 64 kB. But the kernel lets a connection's
send buffer grow to megabytes, and keeps it for as long as the other side merely says that it is alive.
"""

from __future__ import annotations

import socket

SEND_BUFFER = 64 * 1024  # bytes; Linux takes twice as much, for its own book-keeping
PATIENCE = 30.0  # seconds


def bound(listener: socket.socket, patience: float = PATIENCE) -> None:
    """Let the connections that a listening socket accepts hold little, and end when nothing of it is taken for long.

    After so many seconds without progress, or without any sign of the other side, the kernel drops the connection.
    Browsers come back by themselves, to where they were.
    """
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience * 1000))
