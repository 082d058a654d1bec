"""Mail within a time limit for the whole conversation with the server: smtplib's own is for each answer alone."""

from __future__ import annotations

import smtplib
import time

from django.core.mail.backends import smtp


class _Limited:
    """Put before a class of smtplib: from the connection on there are `timeout` seconds, all together."""

    def connect(self, *args, **kwargs):
        self._give_up = time.monotonic() + self.timeout
        return super().connect(*args, **kwargs)

    def getreply(self):
        """Raises SMTPServerDisconnected when the time is used up."""
        self._limit()
        return super().getreply()

    def send(self, data):
        self._limit()
        return super().send(data)

    def _limit(self) -> None:
        rest = self._give_up - time.monotonic()
        if rest <= 0:
            self.close()
            raise smtplib.SMTPServerDisconnected("The mail server took too long.")
        if self.sock:
            self.sock.settimeout(rest)


class _Plain(_Limited, smtplib.SMTP):
    pass


class _Encrypted(_Limited, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """Django's, that gives up after EMAIL_TIMEOUT seconds in all. Raises OSError or SMTPException."""

    @property
    def connection_class(self):
        return _Encrypted if self.use_ssl else _Plain
