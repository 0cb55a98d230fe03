"""How KNFE speaks with the API server: HTTP/2, over one connection and another for the lease; HTTP/1.1, or through a proxy."""

import json

from kit.connect_proxy import PASSWORD, ConnectProxy
from kit.ims import SPROUT, start, whole
from kit.rig import network
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


def proxy(case):
    server = f"{network.API_ADDRESS}:{network.API_PORT}"
    begun = case.controller.log.stat().st_size
    case.controller.stop()
    with ConnectProxy() as way:
        case.controller.start(HTTPS_PROXY=way.url(), NO_PROXY="example.org,10.0.0.0/8")
        try:
            life(case)
            assert (found := case.controller.connections()) == 2, f"{found} connections"
            assert set(way.asked) == {(server, 200)}, way.asked

            code, text = status(case, way.url("wrong"))
            assert code == 1 and "407" in text and "wrong" not in text, text
            code, text = status(case, way.url())
            assert "ims-sip" in text, text
            assert way.asked[-2:] == [(server, 407), (server, 200)], way.asked
        finally:
            case.controller.stop()
            case.controller.start()
    log = case.controller.log.read_bytes()[begun:].decode()
    assert '"proxy":"127.0.0.1:' in log and PASSWORD not in log, "what the log says of the proxy"


def status(case, proxy_url):
    """Exit code and output of `knfe status` with a kubeconfig that names the proxy; it goes before the environment."""
    config = json.loads(case.rig.kubeconfig().read_text())
    config["clusters"][0]["cluster"]["proxy-url"] = proxy_url
    file = case.rig.state / "proxy.kubeconfig"
    file.write_text(json.dumps(config))
    file.chmod(0o600)
    return case.controller.run("status", f"--kubeconfig={file}", f"--namespace={case.ns}", NO_PROXY="*")


def cases():
    yield "protocols: HTTP/2, two connections for all", http2
    yield "protocols: HTTP/1.1 where DISABLE_HTTP2 says so", http1
    yield "protocols: through an HTTP proxy", proxy
