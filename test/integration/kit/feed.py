"""Watching: every event of one kind, with the time at which it came."""

import http.client
import json
import threading
import time
import urllib.parse
from dataclasses import dataclass

from kit import kinds


@dataclass(frozen=True)
class Event:
    at: float  # time.monotonic()
    type: str  # ADDED, MODIFIED, DELETED
    object: dict

    @property
    def name(self):
        return self.object["metadata"]["name"]


class Feed:
    """Events since it was made (with `replay`: those that stand for what was there before, too). An API server that has much to do ends
    watches that lag behind: then it goes on from where it was, and nothing is lost.

    `on_event`, where given, is called on the feed's own thread; without `keep` that is all that becomes of an event. Use it with
    `with`, or close it.
    """

    def __init__(self, api, kind, namespace=None, selector=None, replay=False, on_event=None, keep=True):
        self._api, self._on_event, self._keep = api, on_event, keep
        self._changed = threading.Condition()
        self._events = []
        self._error = None
        self._connection = None
        self._closing = False
        start = api.request("GET", kinds.path(kind, namespace), labelSelector=selector)
        if replay:
            for item in start["items"]:
                item.setdefault("kind", kind)
                self._take(Event(time.monotonic(), "ADDED", item))
        self._path = kinds.path(kind, namespace) + "?" + urllib.parse.urlencode(
            {"watch": "1", "timeoutSeconds": "3600", "allowWatchBookmarks": "true", **({"labelSelector": selector} if selector else {})})
        self._version = start["metadata"]["resourceVersion"]
        self._open()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"watch {kind}")
        self._thread.start()

    def _open(self):
        self._connection = self._api.connect(None)
        self._connection.request("GET", f"{self._path}&resourceVersion={self._version}", headers=self._api.headers())
        self._answer = self._connection.getresponse()
        if self._answer.status != 200:
            raise AssertionError(f"watch of {self._path}: {self._answer.status} {self._answer.read()[:300]}")

    def _run(self):
        error = "closed"
        try:
            while not self._closing:
                if line := self._answer.readline():
                    self._hear(json.loads(line))
                elif not self._closing:
                    self._open()
        except (OSError, ValueError, AttributeError, AssertionError, http.client.HTTPException) as problem:
            error = repr(problem)
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _hear(self, event):
        if event["type"] == "ERROR":
            raise AssertionError(f"watch of {self._path}: {event['object']}")
        self._version = event["object"]["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            self._take(Event(time.monotonic(), event["type"], event["object"]))

    def _take(self, event):
        if self._keep:
            with self._changed:
                self._events.append(event)
                self._changed.notify_all()
        if self._on_event:
            self._on_event(event)

    def events(self):
        with self._changed:
            self._must_live()
            return list(self._events)

    def wait(self, what, found, seconds=20):
        """The first event, of all that have come or come yet, for which found(event) holds."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                while seen < len(self._events):
                    event = self._events[seen]
                    seen += 1
                    if found(event):
                        return event
                self._must_live()
                left = deadline - time.monotonic()
                if left <= 0:
                    last = json.dumps(self._events[-1].object)[:1500] if self._events else "no event at all"
                    raise AssertionError(f"{what}: not within {seconds} s; last: {last}")
                self._changed.wait(left)

    def _must_live(self):
        if self._error and not self._closing:
            raise AssertionError(f"the watch of {self._path} broke: {self._error}")

    def close(self):
        self._closing = True
        # Wakes the thread that reads; closing alone would not.
        if self._connection and self._connection.sock:
            try:
                self._connection.sock.shutdown(2)
            except OSError:
                pass
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
