# SPDX-License-Identifier: Apache-2.0
"""What stands between a daemon and the sandbox in some tests, TLS and a proxy, and a mail server.

They listen on ports the system picks and serve each connection on a thread of
its own until close(). Standard library, and the command openssl.
"""
import base64
import http.client
import os
import socket
import ssl
import subprocess
import threading

CHUNK = 65536
PATIENCE = 60


def pump(source, sink):
    """Bytes from one socket to another until either ends; then both do."""
    try:
        while True:
            data = source.recv(CHUNK)
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def join(one, other):
    """Both ways, until the end; closes both."""
    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join()
    one.close()
    other.close()


class Listener:
    """Calls serve(socket) on a thread for each connection."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                one, _ = self.socket.accept()
            except OSError:
                return
            one.settimeout(PATIENCE)
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one):
        try:
            self.serve(one)
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            one.close()

    def serve(self, one):
        raise NotImplementedError

    def close(self):
        self.socket.close()


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE)


def make_authority(directory, name="ca.pem"):
    """A new authority (NAME is its certificate) and a certificate of it for localhost; returns
    the file that holds that certificate with its key."""
    key, authority = os.path.join(directory, "ca.key"), os.path.join(directory, name)
    mine, request = os.path.join(directory, "host.key"), os.path.join(directory, "host.csr")
    host, names = os.path.join(directory, "host.pem"), os.path.join(directory, "host.ext")
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *kind, "-keyout", key, "-out", authority + ".new", "-days", "2",
            "-subj", "/CN=Test authority")
    openssl("req", *kind, "-keyout", mine, "-out", request, "-subj", "/CN=localhost")
    with open(names, "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", request, "-CA", authority + ".new", "-CAkey", key,
            "-CAcreateserial", "-out", host, "-days", "2", "-extfile", names)
    with open(mine, encoding="ascii") as f, open(host, "a", encoding="ascii") as to:
        to.write(f.read())
    os.rename(authority + ".new", authority)  # whoever looks sees one or the other
    return host


class TlsFront(Listener):
    """https in front of a plain port. The certificate is read for each connection."""

    def __init__(self, certificate, port):
        self.certificate = certificate
        self.behind = port
        super().__init__()

    def serve(self, one):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        with context.wrap_socket(one, server_side=True) as safe:
            join(safe, socket.create_connection(("127.0.0.1", self.behind), PATIENCE))


class Proxy(Listener):
    """An HTTP proxy. Names under .example are found at 127.0.0.1. `journal` has a line for each
    request: METHOD TARGET [names of the headers]."""

    def __init__(self, user=None):
        self.wanted = user and "Basic " + base64.b64encode(user.encode()).decode()
        self.journal = []
        super().__init__()

    @staticmethod
    def _connect(authority):
        host, _, port = authority.rpartition(":")
        if host.endswith(".example"):
            host = "127.0.0.1"
        return socket.create_connection((host.strip("[]"), int(port)), PATIENCE)

    @staticmethod
    def _read_head(one):
        """The request's first line, its headers, and what has come behind them."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = one.recv(CHUNK)
            if not more:
                raise OSError("the end")
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        return first, [line.partition(":")[::2] for line in lines], rest

    def serve(self, one):
        first, headers, rest = self._read_head(one)
        method, target, _ = first.split(" ")
        values = {name.lower(): value.strip() for name, value in headers}
        self.journal.append(f"{method} {target} [{' '.join(sorted(values))}]")
        if self.wanted and values.get("proxy-authorization") != self.wanted:
            one.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                        b'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n'
                        b"Connection: close\r\n\r\n")
            return
        if method == "CONNECT":
            there = self._connect(target)
            one.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            authority, _, path = target.removeprefix("http://").partition("/")
            there = self._connect(authority)
            lines = [f"{name}:{value}" for name, value in headers
                     if not name.lower().startswith(("proxy-", "connection"))]
            there.sendall("\r\n".join([f"{method} /{path} HTTP/1.1", *lines, "Connection: close",
                                       "", ""]).encode("latin-1") + rest)
        join(one, there)


class MailServer(Listener):
    """Takes mail without TLS or a login. As long as `says` isn't empty, each message gets the first
    of it for a reply. `letters` has what was taken, `offered` counts those refused, too."""

    def __init__(self, says):
        self.says = list(says)
        self.letters = []
        self.offered = 0
        super().__init__()

    def serve(self, one):
        with one.makefile("rwb") as lines:
            self._say(lines, "220 mail.example ready")
            while line := lines.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self._say(lines, "354 go on")
                    self._say(lines, self._take(lines))
                else:
                    self._say(lines, "250-mail.example\r\n250 8BITMIME" if verb == b"EHLO" else
                              "221 bye" if verb == b"QUIT" else "250 2.0.0 ok")
                if verb == b"QUIT":
                    break

    @staticmethod
    def _say(lines, reply):
        lines.write(reply.encode() + b"\r\n")
        lines.flush()

    def _take(self, lines):
        letter = b""
        while (line := lines.readline()) != b".\r\n":
            if not line:
                raise OSError("the end")
            letter += line
        self.offered += 1
        if self.says:
            return self.says.pop(0)
        self.letters.append(letter.decode())
        return f"250 2.0.0 Ok: queued as {len(self.letters)}"


class Manager:
    """Stands where a service manager does: `said` has the lines that came to its socket."""

    def __init__(self, path):
        self.said = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            try:
                data = self._socket.recv(4096)
            except OSError:
                return
            if not data:
                return
            self.said += data.decode().split("\n")

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(PATIENCE)
        self._socket.close()
