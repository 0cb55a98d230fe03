"""A TCP port that leads to another."""

import contextlib
import select
import socket
import socketserver
import threading


@contextlib.contextmanager
def forward(here, there):
    """Addresses are (host, port)."""
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection(there, timeout=10) as other:
                pass_on({self.request: other, other: self.request})

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Server(here, Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True, name="forward").start()
        try:
            yield
        finally:
            server.shutdown()


def pass_on(other):
    """Bytes of either socket to the other, until one of both ends."""
    while True:
        for one in select.select(list(other), [], [])[0]:
            try:
                data = one.recv(65536)
                if not data:
                    return
                other[one].sendall(data)
            except OSError:
                return
