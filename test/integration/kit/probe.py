"""What an operator serves for probes: /readyz, /metrics."""

import http.client


def get(port, path):
    """The text that it answers with 200 on this port of the loopback interface; None for any other answer, or none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        return text if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
