"""What an operator serves for probes: /readyz, /metrics, /debug/."""

import http.client


def fetch(port, path, timeout=5):
    """Status and body of its answer on this port of the loopback interface."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get(port, path):
    """The text that it answers with 200; None for any other answer, or none."""
    try:
        status, body = fetch(port, path)
    except (OSError, http.client.HTTPException):
        return None
    return body.decode() if status == 200 else None
