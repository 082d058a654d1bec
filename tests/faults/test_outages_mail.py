"""The mail server is away, hangs, or is slow at each step: the page says so, and the address can be confirmed later."""

from __future__ import annotations

import re
import socketserver
import threading
import time
from smtplib import SMTPException
from urllib.parse import urlsplit

import pytest
from django.core.mail import send_mail

from tests.faults.cable import Cable
from tests.faults.outages import eventually
from tests.serving import Visitor

FAULTS = ["cut", "hang"]
SIGN_UP = {"email": "chi@example.com", "password1": "correct horse battery"}
TOLD = "The e-mail could not be sent"
STEPS = 6  # from the greeting to the end of one mail's data


class Conversation(socketserver.StreamRequestHandler):
    """SMTP as far as one mail needs it."""

    def handle(self):
        self.say("220 ready")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                self.server.mails.append(self.mail())
            self.say("221 bye" if word == b"QUIT" else "250 done")
            if word == b"QUIT":
                return

    def mail(self) -> str:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.decode())
        return "".join(lines)

    def say(self, words: str) -> None:
        time.sleep(self.server.pause)
        self.wfile.write(f"{words}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    pause = 0.0  # seconds before each answer

    def handle_error(self, request, client_address):
        """A client that has given up is what these tests are about."""


@pytest.fixture
def mail_server(settings):
    with MailServer(("127.0.0.1", 0), Conversation) as server:
        server.mails = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings.EMAIL_BACKEND = "chatsite.mail.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield server
        server.shutdown()


@pytest.fixture
def cable(mail_server, settings):
    settings.EMAIL_TIMEOUT = 0.3
    with Cable(mail_server.server_address) as cable:
        settings.EMAIL_HOST, settings.EMAIL_PORT = cable.address
        yield cable
        cable.heal()


@pytest.fixture
def visitor(settings, site) -> Visitor:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    return Visitor(urlsplit(site).port)


def post(visitor: Visitor, path: str, **fields: str):
    return visitor.post(path, fields | {"csrfmiddlewaretoken": visitor.token(path)})


@pytest.mark.parametrize("fault", FAULTS)
def test_sign_up_without_mail_says_so_and_the_address_is_confirmed_later(cable, visitor, mail_server, fault):
    getattr(cable, fault)()
    answer = post(visitor, "/accounts/signup/", **SIGN_UP)
    assert (answer.status, TOLD in answer.text) == (503, True)
    assert answer.headers["retry-after"]
    cable.heal()
    mail_server.mails.clear()
    visitor.log_in(SIGN_UP["email"], SIGN_UP["password1"])  # nobody is in before the address is confirmed
    mail = eventually(lambda: mail_server.mails and mail_server.mails[-1])
    link = re.search(r"http://[^/]+(/accounts/\S+)", mail.replace("=\n", ""))[1]
    assert visitor.post(link, {"csrfmiddlewaretoken": visitor.token(link)}).status == 302
    assert visitor.get("/").status == 200  # in, now


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reset_without_mail_says_the_same_whether_the_account_exists(cable, visitor, alice, fault):
    getattr(cable, fault)()
    answers = [post(visitor, "/accounts/password/reset/", email=f"{name}@example.com") for name in ("alice", "nobody")]
    assert [(answer.status, TOLD in answer.text) for answer in answers] == [(503, True)] * 2


def test_a_mail_server_that_is_slow_at_each_step_has_one_limit_for_all(mail_server, settings):
    settings.EMAIL_TIMEOUT = 0.5
    mail_server.pause = settings.EMAIL_TIMEOUT * 2 / STEPS  # each alone would be in time
    with pytest.raises((SMTPException, OSError)):
        send_mail("Hello", "Words", "site@example.com", ["chi@example.com"])
    assert not mail_server.mails


def test_a_mail_arrives(mail_server):
    send_mail("Hello", "These are the words", "site@example.com", ["chi@example.com"])
    assert "These are the words" in mail_server.mails[0]
