"""What the tests send: requests that are right, and bytes that are not."""
import base64
import http.client
import json
import socket

from check import PATIENCE, until


def basic(role="app", password="secret"):
    return "Basic " + base64.b64encode(f"{role}:{password}".encode()).decode()


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        return self.json["errors"][0]["message"]


def connect(daemon, timeout=PATIENCE):
    return http.client.HTTPConnection(daemon.host, daemon.port, timeout=timeout)


def ask(daemon, method, target, body=None, role="app", password="secret", connection=None, timeout=PATIENCE, **headers):
    """One request, by itself or on a connection; headers_like_this become Headers-Like-This."""
    own = connection is None
    connection = connection or connect(daemon, timeout)
    names = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    if role is not None:
        names.setdefault("Authorization", basic(role, password))
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        names.setdefault("Content-Type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    try:
        connection.request(method, target, body, names)
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        if own:
            connection.close()


def answered(daemon, target="/"):
    """What is shown in the end: a limit of a second may be over at once where the machine is busy."""
    replies = []

    def asked():
        try:
            replies.append(ask(daemon, "GET", target))
        except ConnectionError:
            return False
        return replies[-1].status == 200

    until(asked)
    return replies[-1].json


def form(daemon, method, target, text, **more):
    return ask(daemon, method, target, text, Content_Type="application/x-www-form-urlencoded", **more)


class Raw:
    """Bytes to the daemon, and back."""

    def __init__(self, daemon, timeout=PATIENCE):
        self.socket = socket.create_connection((daemon.host, daemon.port), timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def rest(self):
        """All that comes until the daemon closes."""
        data = b""
        try:
            while True:
                part = self.socket.recv(65536)
                if not part:
                    break
                data += part
        except ConnectionError:
            pass
        return data.decode("utf-8", "replace")
