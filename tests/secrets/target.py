# SPDX-License-Identifier: Apache-2.0
"""Targets that quote what they were sent, in every way there is.

The first segment of a path names whom the requests are for; its replies go through STYLES, one
after the other. Quoted are the request line, the headers, the body, and what is in Basic
credentials. Tokens are handed out that are secrets themselves.
"""
import base64
import gzip
import http.server
import json
import socketserver
import ssl
import threading

from spell import written

# How it is written, and the status of the reply.
STYLES = [(how, status) for how, status in (
    ("JSON", 200), ("plain", 400), ("URL", 401), ("url", 403), ("JSON with slashes", 422),
    ("HTML", 404), ("HTML by numbers", 400), ("hex", 409), ("HEX", 200), ("base64 0", 400),
    ("base64url 1", 400), ("base64 2 as JSON", 200), ("base64 1 as URL", 400), ("plain", 302),
    ("base64 2", 500), ("packed", 400))]


class Quoting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def quote(self, body):
        """What came, line by line, and each credential by itself."""
        said = [self.requestline, *map(str, self.headers.values()), body.decode("utf-8", "replace")]
        for value in self.headers.get_all("Authorization", []):
            said += value.split(" ")
            if value.startswith("Basic "):
                said += base64.b64decode(value[6:]).decode().split(":", 1)
        return said

    def reply(self, status, data, **headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        who = self.path.split("?")[0].split("/")[1]
        with self.server.lock:
            turn = self.server.turns[who] = self.server.turns.get(who, -1) + 1
        if self.path.startswith(f"/{who}/oauth/token"):
            self.token(who, turn, body)
        elif who == "lists":
            self.rows(turn)
        else:
            self.echo(turn, body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = any

    def token(self, who, turn, body):
        """Every third is refused, with all it was sent."""
        if turn % 3 == 2:
            said = " ".join(self.quote(body))
            self.reply(302 if turn % 2 else 401, json.dumps({"error": said}).encode(),
                       Location="/login/" + body.decode().replace("\n", ""))
            return
        self.reply(200, json.dumps({"access_token": self.server.tokens[who], "expires_in": 3600,
                                    "token_type": "bearer"}).encode())

    def rows(self, turn):
        """A list, two pages long, whose link to the second repeats the key. Its rows change until
        each style was had."""
        turn = min(turn, 2 * len(STYLES))
        said = [written(part.encode())[STYLES[turn % len(STYLES)][0]].decode()
                if STYLES[turn % len(STYLES)][0] != "packed" else part for part in [self.path]]
        rows = [{"id": str(i), "turn": turn, "self": self.path, "said": said} for i in (
            (2, 3) if "page=2" in self.path else (0, 1))]
        more = {} if "page=2" in self.path else {
            "Link": f"<http://{self.headers['Host']}{self.path}&page=2>; rel=\"next\""}
        self.reply(200, json.dumps(rows).encode(), ETag=f'"{turn}"', **more)

    def echo(self, turn, body):
        how, status = STYLES[turn % len(STYLES)]
        said = self.quote(body)
        if how == "packed":
            self.reply(status, gzip.compress(json.dumps(said).encode()), Content_Encoding="gzip")
            return
        words = b" ".join(written(part.encode())[how] for part in said if part.isascii())
        if status == 302:
            path = self.path + "/" + self.headers.get("Authorization", "").replace(" ", "/")
            self.reply(status, b"moved to " + words, Location=path)
            return
        shown = b'"' + words.replace(b'"', b"'") + b'"' if how.startswith(("JSON", "base64 2 as")) \
            else json.dumps(words.decode("utf-8", "replace")).encode()
        self.reply(status, b'{"ok":false,"error":%s,"message":%s,"errors":[{"message":%s}]}'
                   % (shown, shown, shown))


class Target(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a daemon that is killed takes its connections along

    def __init__(self, tokens):
        super().__init__(("127.0.0.1", 0), Quoting)
        self.tokens = tokens  # what is handed out, to whom
        self.turns = {}
        self.lock = threading.Lock()
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Mail(socketserver.StreamRequestHandler):
    """Over TLS; takes the first login, and refuses the others with what they said."""

    def say(self, line):
        self.wfile.write(line + b"\r\n")

    def handle(self):
        self.say(b"220 mail.example ESMTP")
        while line := self.rfile.readline().strip():
            word = line.split(b" ")[0].upper()
            if word == b"EHLO":
                self.say(b"250-mail.example\r\n250 AUTH PLAIN")
            elif word == b"AUTH":
                if line.upper() == b"AUTH PLAIN":
                    self.say(b"334 ")
                    line += b" " + self.rfile.readline().strip()
                plain = base64.b64decode(line.split(b" ")[-1]).split(b"\0")[-1]
                self.say(b"535 5.7.8 not " + line + b" nor " + plain)
            elif word == b"QUIT":
                self.say(b"221 bye")
                return
            else:
                self.say(b"250 fine")


class MailTarget(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, certificate, key):
        super().__init__(("127.0.0.1", 0), Mail)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()
