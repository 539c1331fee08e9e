"""Does one gateway do what one case asks? Runs the case and lists what is wrong."""

import re

from attrs import define, field, frozen

from .backend import Backend
from .case import PSEUDONYM, SILENCE, Act, Answer, Case, Ends, Look, Script, Seen
from .client import SENTINEL, Client, Reading
from .wire import Malformed, Message


@define
class Verdict:
    """What came of one case."""

    complaints: list[str] = field(factory=list)
    """What was not as it must be; empty: it conforms."""
    statuses: list[str] = field(factory=list)
    """The statuses the client got, for tables."""

    @property
    def short(self) -> str:
        return ("ok " if not self.complaints else "NO ") + (",".join(self.statuses) or "-")


@frozen
class Target:
    """A running gateway in front of the scripted backend."""

    address: tuple[str, int]
    backend: Backend

    def pseudonym(self) -> bytes:
        """The name it signs Via with; ``none`` when it does not."""
        with Client(self.address, self.backend) as client:
            client.perform((SENTINEL,))
            client.read(False)
        return self.backend.via.split(b", ")[-1].partition(b" ")[2] or b"none"


def run(case: Case, target: Target) -> Verdict:
    """Run *case* against *target*."""
    verdict = Verdict()
    backend = target.backend
    backend.load(case.replies)
    sent = case.sent
    if any(isinstance(step, bytes) and PSEUDONYM in step for step in sent):
        sent = _signed(sent, target.pseudonym())
    try:
        with Client(target.address, backend) as client:
            client.perform(sent)
            _judge_client(case, client, verdict)
    except (OSError, Malformed) as error:
        verdict.complaints.append(f"{type(error).__name__}: {error}")
    backend.settle()
    _judge_backend(case, backend, verdict)
    return verdict


def _signed(sent: Script, pseudonym: bytes) -> Script:
    return tuple(step.replace(PSEUDONYM, pseudonym) if isinstance(step, bytes) else step for step in sent)


def _judge_client(case: Case, client: Client, verdict: Verdict) -> None:
    if Act.CLOSE in case.sent:
        return
    for wanted in case.answers:
        got = client.read(wanted.to_head)
        verdict.statuses.append(str(got.final.status) if got else "closed")
        if got is None:
            if SILENCE not in wanted.status:
                verdict.complaints.append(f"closed without an answer, wanted {wanted.status}")
            return
        verdict.complaints += judge_answer(wanted, got)
    if case.tunnelled is not None:
        came = client.read_exactly(len(case.tunnelled))
        if came != case.tunnelled:
            verdict.complaints.append(f"through the tunnel came {came!r}")
    if case.ends is Ends.CLOSED:
        try:
            if extra := client.read_to_close():
                verdict.complaints.append(f"more came before the close: {extra[:60]!r}")
        except TimeoutError:
            verdict.complaints.append("not closed")
    elif case.ends is Ends.OPEN and (fault := client.still_open()):
        verdict.complaints.append(fault)


def judge_answer(wanted: Answer, got: Reading) -> list[str]:
    """What of *got* is not as *wanted*."""
    final = got.final
    if final.status not in wanted.status:
        return [f"answered {final.status}, wanted {wanted.status}"]
    faults = []
    if final.complete != wanted.complete and (wanted.complete or final.status < 500):
        faults.append("the answer is cut off" if wanted.complete else "the cut-off answer looks whole")
    interim = tuple(each.status for each in got.interim)
    if wanted.interim is not None and interim != wanted.interim:
        faults.append(f"interim {interim}, wanted {wanted.interim}")
    if wanted.framing is not None and final.framing not in wanted.framing:
        faults.append(f"framed by {final.framing}, wanted {wanted.framing}")
    return faults + [f"answer: {fault}" for fault in judge_message(wanted.look, final)]


def _judge_backend(case: Case, backend: Backend, verdict: Verdict) -> None:
    if case.abandoned and not backend.wait_for(lambda: backend.abandoned > 0):
        verdict.complaints.append("the backend was not let go")
    if case.seen is None:
        return
    wanted = list(case.seen)
    for got in backend.requests:
        if wanted:
            verdict.complaints += judge_request(wanted.pop(0), got)
        else:
            verdict.complaints.append(f"the backend also saw {got.line[:60]!r}")
    verdict.complaints += [f"the backend did not see {each.line!r}" for each in wanted if not each.optional]
    if stray := backend.stray():
        verdict.complaints.append(f"the backend also got {stray[:60]!r}")


def judge_request(wanted: Seen, got: Message) -> list[str]:
    """What of *got* is not as *wanted*."""
    faults = []
    if wanted.line is not None and got.line != wanted.line:
        faults.append(f"line {got.line[:80]!r}")
    if got.complete and not wanted.complete:
        faults.append("complete, though it must not be")
    if wanted.complete and not got.complete:
        faults.append("not complete")
    return [f"backend: {fault}" for fault in faults + judge_message(wanted.look, got)]


def judge_message(wanted: Look, got: Message) -> list[str]:
    """What of *got*'s fields, body and trailers is not as *wanted*."""
    faults = []
    for name in {line.partition(b":")[0].lower() for line in wanted.has}:
        values = [line.partition(b":")[2].strip() for line in wanted.has if line.partition(b":")[0].lower() == name]
        if got.values(name) != values:
            faults.append(f"{name.decode()} is {got.values(name)}, wanted {values}")
    faults += [f"has {name.decode()}" for name in wanted.lacks if got.values(name)]
    lines = iter([name + b": " + value for name, value in got.fields])
    faults += [f"lacks {line!r} verbatim there" for line in wanted.verbatim if line not in lines]
    for name, pattern in wanted.joined:
        if not re.fullmatch(pattern, value := b", ".join(got.values(name))):
            faults.append(f"{name.decode()} is {value!r}, wanted {pattern!r}")
    if wanted.body is not None and got.body != wanted.body:
        faults.append(f"body {got.body[:60]!r}")
    trailers = tuple(name.lower() + b": " + value for name, value in got.trailers)
    if wanted.trailers is not None and trailers != tuple(wanted.trailers):
        faults.append(f"trailers {trailers}")
    if wanted.raw_lacks is not None and wanted.raw_lacks in got.raw + got.line:
        faults.append(f"contains {wanted.raw_lacks!r}")
    return faults
