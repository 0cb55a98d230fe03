"""An HTTP proxy on the loopback that opens tunnels (CONNECT), for who knows its user and password."""

import base64
import http.server
import socket
import threading

from kit.forward import pass_on

USER, PASSWORD = "knfe", "open sesame"


class ConnectProxy:
    """What was asked of it is in `asked`, as (target, status). Use it with `with`."""

    def __init__(self):
        self.asked = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_CONNECT(self):
                proxy.connect(self)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def url(self, password=PASSWORD):
        return f"http://{USER}:{password.replace(' ', '%20')}@127.0.0.1:{self._server.server_port}"

    def connect(self, handler):
        handler.close_connection = True
        if handler.headers["Proxy-Authorization"] != self._wanted:
            self.asked.append((handler.path, 407))
            handler.send_response(407)
            handler.send_header("Proxy-Authenticate", "Basic")
            handler.end_headers()
            return
        host, _, port = handler.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as server:
            self.asked.append((handler.path, 200))
            handler.wfile.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
            pass_on({handler.connection: server, server: handler.connection})

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True, name="proxy").start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
