"""What KNFE speaks with the API server: HTTP/2, over one connection and another for the lease; HTTP/1.1 where it must."""

from kit.ims import SPROUT, start, whole
from kit.wait import until


def life(case):
    """Watches and applies, creates and deletes."""
    start(case)
    case.scale(SPROUT, 2)
    case.listed(whole(2))


def http2(case):
    life(case)
    assert (found := case.controller.connections()) == 2, f"{found} connections"


def http1(case):
    case.controller.stop()
    case.controller.start(DISABLE_HTTP2="1")
    try:
        life(case)
        # Each watch has its own.
        until("more than ten connections", lambda: case.controller.connections() > 10)
    finally:
        case.controller.stop()
        case.controller.start()


def cases():
    yield "protocols: HTTP/2, two connections for all", http2
    yield "protocols: HTTP/1.1 where DISABLE_HTTP2 says so", http1
