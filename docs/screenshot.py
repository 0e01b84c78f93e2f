#!/usr/bin/env python3
"""Renders what `polder` shows on a terminal as pictures (SVG), from a running demo and a real terminal (tmux).

    cargo build --release && docs/screenshot.py target/release/polder            # those of README.md and docs/
    docs/screenshot.py target/release/polder FOLDER                              # every one, at 40, 80 and 120 columns, to look at

`tmux capture-pane` gives the text with its colours, and each line of it becomes one line of the picture. The demo's fleet is brought
into trouble first: the primary of the shop is killed, a backend is taken out, a proxy is drained.
"""

import html
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
WIDTHS = [40, 80, 120]
# Of docs/: the picture, and at how many columns.
KEPT = {"status": [40, 80], "why": [80]}

WIDTH, HEIGHT, FONT = 8.4, 18, 14  # of a letter, of a line, of the font, in pixels
INK = {"0": "", "1": "bold", "2": "faint", "31": "red", "32": "green", "33": "yellow"}
STYLE = """
text { font: %dpx ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d0d7de; white-space: pre }
.bold { font-weight: bold } .faint { fill: #8b949e } .red { fill: #ff7b72 } .green { fill: #56d364 } .yellow { fill: #e3b341 }
""" % FONT


def main():
    polder = Path(sys.argv[1]).resolve()
    everything = Path(sys.argv[2]) if len(sys.argv) > 2 else None

    def keep(name, columns, lines):
        if everything:
            (everything / f"{name}-{columns}.svg").write_text(picture(lines, columns))
        elif columns in KEPT.get(name, []):
            narrow = "" if columns == 80 else f"-{columns}"
            (HERE / f"{name}{narrow}.svg").write_text(picture(lines, columns))

    (everything or HERE).mkdir(exist_ok=True)
    (everything or HERE).joinpath("demo.svg").write_text(demo(polder))
    with fleet(polder) as terminal:
        verbs(terminal, keep)


class Terminal:
    """A tmux server of its own, and the environment in which `polder` finds the demo that runs in it."""

    def __init__(self, polder, folder):
        self.polder, self.folder = polder, Path(folder)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "TERM": "xterm-256color", "SUDO_USER": "alice"}
        for name in ("TMUX", "COLUMNS", "NO_COLOR"):
            self.environment.pop(name, None)
        self.environment["PATH"] = f"{polder.parent}:{os.environ['PATH']}"
        # The server ends with its last session.
        self.tmux("new-session", "-d", "-s", "kept", "cat")

    def run(self, *command, check=True):
        return subprocess.run(command, env=self.environment, check=check, capture_output=True, text=True).stdout

    def tmux(self, *command, check=True):
        return self.run("tmux", "-S", str(self.folder / "tmux"), *command, check=check)

    def begin(self, columns, rows, command):
        self.tmux("new-session", "-d", "-s", "shown", "-x", str(columns), "-y", str(rows), command)

    def screen(self):
        return self.tmux("capture-pane", "-t", "shown", "-e", "-p").rstrip("\n").split("\n")

    def end(self):
        self.tmux("kill-session", "-t", "shown", check=False)

    def shown(self, columns, command, until=None):
        """What a command has shown when it has ended, or while it shows `until`."""
        ended = self.folder / "ended"
        ended.unlink(missing_ok=True)
        prompt = f"printf '\\033[2m$\\033[0m %s\\n' {quoted(command)}"
        self.begin(columns, 200, f"sh -c {quoted(f'{prompt}; {command}; touch {ended}; exec cat')}")
        try:
            if until:
                wait(lambda: until in self.tmux("capture-pane", "-t", "shown", "-p"), command)
            else:
                wait(ended.exists, command)
            return self.screen()
        finally:
            self.end()


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


@contextmanager
def fleet(polder):
    with tempfile.TemporaryDirectory(prefix="pd", dir="/tmp") as folder:
        terminal = Terminal(polder, folder)
        command = [str(polder), "--json", "demo"]
        demo = subprocess.Popen(command, env=terminal.environment, stdout=subprocess.PIPE, text=True)
        try:
            terminal.started = json.loads(demo.stdout.readline())
            yield terminal
        finally:
            terminal.tmux("kill-server", check=False)
            demo.terminate()
            demo.wait()


def verbs(terminal, keep):
    polder = str(terminal.polder)
    line = next(line for line in terminal.started["text"] if line.startswith("  px-1"))
    proxy = re.search(r"http://\S+", line).group()
    wait(lambda: "All is well." in terminal.run(polder, "status", check=False), "a fleet that is well")
    time.sleep(5)  # for some pages to be counted

    def all_widths(name, command, **how):
        for columns in WIDTHS:
            keep(name, columns, terminal.shown(columns, command, **how))

    all_widths("well", "polder status")
    terminal.run(polder, "demo", "kill", "shop1")
    terminal.run(polder, "maint", "web2", "--why", "new disk")
    wait(lambda: "shop serves from shop2" in terminal.run(polder, "status", check=False), "the failover of the shop")
    terminal.run(polder, "drain", "px-1", "--for", "2h", "--why", "kernel")
    time.sleep(1)
    all_widths("status", "polder status")
    all_widths("service", "polder status shop")
    all_widths("explain", "polder explain shop.polder.test")
    all_widths("events", "polder events --since 30s --service shop")
    all_widths("maint", "polder maint shop2")
    terminal.run(polder, "ready", "px-1")
    for columns in WIDTHS:
        # Until the connections that are left get fewer.
        terminal.run(polder, "ready", "px-2")
        keep("drain", columns, terminal.shown(columns, "polder drain px-2 --why kernel --wait --idle 1s", until="open connection"))
        terminal.run(polder, "ready", "px-2")
    keep("drained", 80, terminal.shown(80, "polder drain px-2 --why kernel --wait --idle 1s"))
    terminal.run(polder, "ready", "px-2")
    terminal.run(polder, "ready", "web2")
    for web in ("web1", "web2", "web3"):
        terminal.run(polder, "demo", "kill", web)
    wait(lambda: failed_request(proxy), "a request that fails")
    number = failed_request(proxy)
    all_widths("why", f"polder why {number}")
    all_widths("down", "polder status")


def failed_request(proxy):
    """Asks until a request fails; the number on its page."""
    request = urllib.request.Request(f"{proxy}cart", headers={"Host": "www.polder.test"})
    try:
        urllib.request.urlopen(request, timeout=10).read()
    except urllib.error.HTTPError as error:
        found = re.search(r"[0-9a-f]{16}", error.read().decode())
        return found and found.group()


def demo(polder):
    """The live screen of the demo, after the primary of its stateful service was killed."""
    columns, rows = 118, 31
    with tempfile.TemporaryDirectory(prefix="pd", dir="/tmp") as folder:
        terminal = Terminal(polder, folder)
        terminal.begin(columns, rows, f"{polder} demo")
        try:
            wait(lambda: all(word in terminal.tmux("capture-pane", "-t", "shown", "-p") for word in ("page", "shop1")), "the demo's screen")
            time.sleep(8)  # for some pages to be counted
            terminal.run(str(polder), "demo", "kill", "shop1")
            wait(lambda: terminal.tmux("capture-pane", "-t", "shown", "-p").count("shop: shop2") == 3, "the failover of the shop")
            time.sleep(3)
            screen = terminal.screen()
            terminal.tmux("send-keys", "-t", "shown", "q")
        finally:
            time.sleep(1)
            terminal.tmux("kill-server", check=False)
    return picture(screen, columns)


def wait(happened, what):
    end = time.monotonic() + 60
    while not happened():
        if time.monotonic() > end:
            sys.exit(f"waited 60 s for {what}")
        time.sleep(0.2)


def picture(lines, columns):
    width, height = columns * WIDTH + 32, len(lines) * HEIGHT + 28
    rows, kind = [], ""
    for number, line in enumerate(lines):
        text, kind = row(line, kind, 16, 26 + number * HEIGHT)
        rows.append(text)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n' + "\n".join(rows) + "\n</svg>\n"
    )


def row(line, kind, left, base):
    """One line: a piece for each colour, at the column where it begins; and the colour that goes on in the next line."""
    pieces, column = [], 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            for code in part[2:-1].split(";"):
                kind = inked(kind, code)
        elif part:
            if part.strip():
                name = f' class="{kind}"' if kind else ""
                shown = html.escape(part.rstrip())
                pieces.append(f'<tspan x="{left + column * WIDTH:.1f}"{name}>{shown}</tspan>')
            column += len(part)
    return f'<text y="{base}" xml:space="preserve">{"".join(pieces)}</text>', kind


def inked(kind, code):
    """The classes of a letter after a code of SGR: colours replace each other, 0 ends all."""
    kinds = set(kind.split())
    if code in ("", "0"):
        kinds = set()
    elif code == "39" or code.startswith("3"):
        kinds -= {"red", "green", "yellow"}
    elif code == "22":
        kinds -= {"bold", "faint"}
    kinds.add(INK.get(code, ""))
    return " ".join(sorted(kinds - {""}))


if __name__ == "__main__":
    main()
