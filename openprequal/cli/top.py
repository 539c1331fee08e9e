"""``openprequal top``: what the backends do now, on a screen that is kept up to date."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from attrs import asdict

from openprequal.cli.asking import GatewayClient, NoAnswer, add_gateway_options, client_of
from openprequal.cli.frame import EVENTS_SHOWN, Look, View
from openprequal.cli.picture import key_of, picks_since, service_lines, shares_of, taken

NO_SCREEN_S: Final = 1.0
"""Between the two looks whose difference is printed where there is no screen."""

DESCRIPTION = """
Requests a second, percentiles, shares and states, kept up to date; below, what happened lately. q ends it, and the
arrows and page keys scroll. Without a terminal it prints once and ends.
"""


def add_to(commands: Any) -> None:
    """Add this subcommand."""
    one = commands.add_parser("top", help="what the backends do now, kept up to date", description=DESCRIPTION)
    one.add_argument("--interval", type=_interval, default=2.0, metavar="SECONDS", help="between two looks; default: 2")
    add_gateway_options(one)
    one.set_defaults(run=run)


def _interval(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError("must be from 0.1 to 3600")
    return value


def run(options: argparse.Namespace) -> int:
    """Show it until somebody ends it.

    :raises NoAnswer: the gateway does not answer the first time.
    """
    client = client_of(options)
    show = None if options.json or not sys.stdout.isatty() or not sys.stdin.isatty() else _screen()
    view = View(client.url, taken(client, time.monotonic()))
    if show is not None:
        show(view, lambda: refresh(client, view), options.interval)
        return 0
    time.sleep(NO_SCREEN_S)
    refresh(client, view)
    if view.trouble is not None:
        raise NoAnswer(view.trouble)
    text = (
        json.dumps(document(view), indent=2) if options.json else "\n".join(line for line, _ in view.frame(None).lines)
    )
    sys.stdout.write(text + "\n")
    return 0


def refresh(client: GatewayClient, view: View) -> None:
    """Look again; if the gateway does not answer, say so, and keep what was seen last."""
    last = view.events[-1]["n"] if view.events else 0
    try:
        picture = taken(client, time.monotonic())
        told = client.get(f"/_openprequal/events?after={last}")
        if told["last"] < last:  # another process, which counts anew
            told = client.get("/_openprequal/events")
    except NoAnswer as error:
        view.trouble = str(error)
        return
    view.trouble = None
    view.before, view.now = view.now, picture
    view.events = [*view.events, *told["events"]][-EVENTS_SHOWN:]


def document(view: View) -> dict[str, Any]:
    """It, as JSON has it."""
    picks = picks_since(view.now, view.before)
    shares = shares_of(picks)
    elapsed = view.now.at - view.before.at if view.before is not None else None
    rate = {key: count / elapsed if elapsed else None for key, count in picks.items()}
    return {
        "gateway": view.url,
        "ready": view.now.not_ready is None,
        "services": [asdict(each) for each in service_lines(view.now, view.before)],
        "backends": [
            {**row, "share": shares[key_of(row)], "requests_per_s": rate[key_of(row)]} for row in view.now.rows
        ],
        "events": list(view.events),
    }


Show = Callable[[View, Callable[[], None], float], None]


def _screen() -> Show | None:
    """What shows a view on the terminal; None: this one cannot."""
    try:
        import curses

        curses.setupterm()
    except (ImportError, curses.error):
        return None
    if not curses.tigetstr("cup"):  # a terminal without a cursor that goes where it is told
        return None
    return lambda view, again, interval_s: curses.wrapper(_shown, view, again, interval_s)


def _shown(screen: Any, view: View, again: Callable[[], None], interval_s: float) -> None:
    """Draw *view*, and draw it again whenever a key is pressed or the time has come to look again."""
    import curses

    curses.use_default_colors()
    curses.curs_set(0)
    looks = {Look.PLAIN: curses.A_NORMAL, Look.HEADING: curses.A_REVERSE, Look.TROUBLE: curses.A_BOLD}
    due = time.monotonic() + min(interval_s, NO_SCREEN_S)
    while True:
        height, width = screen.getmaxyx()
        frame = view.frame(height - 1)
        screen.erase()
        for number, (line, look) in enumerate(frame.lines[: height - 1]):
            screen.addnstr(number, 0, line.ljust(width) if look is Look.HEADING else line, width, looks[look])
        more = f"{frame.hidden} more below, " if frame.hidden else ""
        screen.insnstr(height - 1, 0, f"{more}q ends", width, curses.A_DIM)
        screen.refresh()
        screen.timeout(max(0, int(1000 * (due - time.monotonic()))))
        key = screen.getch()
        page = max(1, height // 2)
        match key:
            case curses.ERR:
                again()
                due = time.monotonic() + interval_s
            case 113 | 81 | 27:  # q, Q, escape
                return
            case curses.KEY_DOWN | 106:  # j
                view.first += 1
            case curses.KEY_UP | 107:  # k
                view.first -= 1
            case curses.KEY_NPAGE | 32:
                view.first += page
            case curses.KEY_PPAGE:
                view.first -= page
