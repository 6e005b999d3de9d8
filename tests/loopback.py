"""HTTP on loopback for stand-ins of services: their connections end when they do, and can be cut on purpose."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """A server in threads of this process. A port of 0 is any that is free."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the server; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def close_all(self) -> None:
        """Take no more requests, and hang up on those who are still there."""
        self.server_close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the client was faster
                continue


class LoopbackHandler(BaseHTTPRequestHandler):
    """Answers in one piece and prints nothing: a stand-in keeps every request itself."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536  # headers and body leave in one piece

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def lower_headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def hang_up(self, *, reset: bool) -> None:
        """End the connection without an answer, by a reset or as if the process had ended."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The files made of the socket would hold it open; closing the descriptor itself ends the connection.
        socket.close(self.connection.detach())
        self.close_connection = True
