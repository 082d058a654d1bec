"""The tests' own cable: what it does to a client is what the outage tests rest on."""

import contextlib
import socket
import socketserver
import threading

import pytest

from tests.faults.cable import Cable


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            while data := self.request.recv(1024):
                self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture
def cable():
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with Cable(server.server_address) as cable:
            yield cable
        server.shutdown()


def plug(cable):
    client = socket.create_connection(cable.address, timeout=20)
    client.settimeout(20)
    return client


def test_bytes_pass_both_ways(cable):
    with plug(cable) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
        assert cable.connections == 1


def test_a_cut_resets_connections_and_refuses_new_ones(cable):
    with plug(cable) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
        cable.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(5)
    with pytest.raises(ConnectionRefusedError):
        plug(cable)


def test_a_healed_cable_serves_at_the_same_address(cable):
    cable.cut()
    cable.heal()
    with plug(cable) as client:
        client.sendall(b"again")
        assert client.recv(5) == b"again"


def test_a_hung_cable_accepts_and_passes_nothing_until_it_is_healed(cable):
    with plug(cable) as old:
        old.sendall(b"1")
        assert old.recv(1) == b"1"
        cable.hang()
        with plug(cable) as new:
            for client in (old, new):
                client.sendall(b"2")
                client.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    client.recv(1)
                client.settimeout(20)
            cable.heal()
            assert old.recv(1) == b"2"
            assert new.recv(1) == b"2"


def test_a_server_that_hangs_up_is_seen_by_the_client(cable):
    with plug(cable) as client:
        client.sendall(b"bye")
        assert client.recv(3) == b"bye"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
