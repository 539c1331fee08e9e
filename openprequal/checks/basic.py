"""Does the client know a user's password? (RFC 7617)"""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred

from openprequal.checks.authorization import AUTHORIZATION, authorization_of, quoted, user_and_password
from openprequal.checks.passwords import Passwords
from openprequal.checks.remembered import Remembered
from openprequal.checks.verdict import Admitted, Reason, Refused, Verdict, unavailable
from openprequal.checks.verifications import Verifications
from openprequal.checks.watched_file import WatchedFile
from openprequal.http1.request import RequestHead

WRONG_REMEMBERED_S: Final = 10.0
"""A client that is set up wrongly sends the same wrong password again and again."""


class BasicCheck:
    """Takes users whose password is in a file."""

    def __init__(
        self,
        name: str,
        file: WatchedFile[Passwords],
        verifications: Verifications,
        *,
        now: Callable[[], float],
        secret: bytes,
        realm: str,
        user_field: bytes | None,
        keep_authorization: bool,
        remember_s: float,
        timeout_s: float,
    ) -> None:
        """
        :param now: monotonic seconds.
        :param secret: see :class:`~openprequal.checks.remembered.Remembered`.
        :param user_field: field that tells the backend the user's name.
        :param keep_authorization: the backend gets the password too.
        :param remember_s: seconds in which a password that was right is not verified again.
        """
        self.name = name
        self.timeout_s = timeout_s
        self.sets = frozenset(
            ([user_field.lower()] if user_field else []) + ([] if keep_authorization else [AUTHORIZATION])
        )
        self._file = file
        self._verifications = verifications
        self._user_field = user_field
        self._remember_s = remember_s
        self._challenge = ((b"WWW-Authenticate", b"Basic realm=" + quoted(realm) + b', charset="UTF-8"'),)
        self._passwords = file.value
        self._right: Remembered[Admitted] = Remembered(now, secret)
        # Apart, so that wrong passwords, of which there may be any number, drive out no right ones.
        self._wrong: Remembered[Refused] = Remembered(now, secret)

    def judge(self, request: RequestHead) -> "Verdict | Deferred[Verdict]":
        given = authorization_of(request)
        if given is None or given.scheme not in (b"basic", b""):
            return self._refuse(Reason.MISSING)
        pair = user_and_password(given.credentials)
        if pair is None:
            return self._refuse(Reason.MALFORMED)
        user, password = pair
        key = self._right.key(user.encode("utf-8"), password)
        remembered = self._right.get(key) or self._wrong.get(key)
        if remembered is not None:
            return remembered
        passwords = self._passwords
        answer = self._verifications.verify(key, request.client, lambda: passwords.verify(user, password))
        if answer is None:
            return unavailable(Reason.BUSY)
        return answer.addCallback(self._verified, key, user, passwords)

    def tick(self) -> None:
        self._file.look()
        if self._passwords is not self._file.value:
            self._passwords = self._file.value
            self._right.clear()
            self._wrong.clear()

    def _verified(self, right: bool, key: bytes, user: str, passwords: Passwords) -> Verdict:
        # Nothing is remembered of a file that has changed meanwhile.
        current = passwords is self._passwords
        if not right:
            refused = self._refuse(Reason.WRONG)
            self._wrong.put(key, refused, WRONG_REMEMBERED_S if current else 0)
            return refused
        admitted = Admitted(((self._user_field, user.encode("utf-8")),) if self._user_field else ())
        self._right.put(key, admitted, self._remember_s if current else 0)
        return admitted

    def _refuse(self, reason: Reason) -> Refused:
        return Refused(401, reason, self._challenge)
