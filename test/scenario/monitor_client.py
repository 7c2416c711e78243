"""What reads the monitor's HTTP in tests: whole answers, and raw sockets.

    answer = get(tree, "/readyz?verbose")
    assert answer.status == 200 and "[+]gateways ok" in answer.text
"""
import contextlib
import http.client
import json
import re
import socket


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # by lower-case name
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        assert self.headers["content-type"] == "application/json", self.headers
        return json.loads(self.body)


def place(tree, name="monitoring"):
    host, port = re.match(r"http://(.*):(\d+)$",
                          tree.endpoints()[name]).groups()
    return host.strip("[]"), int(port)


def ask(where, method, path, body=None, headers=None, timeout=10):
    """One request to (host, port) or to a tree's monitor."""
    if not isinstance(where, tuple):
        where = place(where)
    connection = http.client.HTTPConnection(*where, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in
                                      answer.getheaders()}, answer.read())
    finally:
        connection.close()


def get(where, path, **more):
    return ask(where, "GET", path, **more)


def raw(where, data, timeout=10):
    """Sends bytes as they are and gives all that came back until the end."""
    if not isinstance(where, tuple):
        where = place(where)
    with socket.create_connection(where, timeout=timeout) as s:
        s.sendall(data)
        parts = []
        with contextlib.suppress(ConnectionResetError):
            while part := s.recv(65536):
                parts.append(part)
    return b"".join(parts)


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else None
