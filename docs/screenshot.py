#!/usr/bin/env python3
"""Renders the real screen of `polder demo` as docs/demo.svg, after the primary of its stateful service was killed.

    cargo build --release && docs/screenshot.py target/release/polder

Needs tmux. The demo runs in it as on any terminal; `tmux capture-pane` gives the text with its colours, and each line becomes one line
of the picture.
"""

import html
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS, ROWS = 118, 31
WIDTH, HEIGHT, FONT = 8.4, 18, 14  # of a letter, of a line, of the font, in pixels
INK = {"0": "", "1": "bold", "2": "faint", "31": "red", "32": "green", "33": "yellow"}
STYLE = """
text { font: %dpx ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d0d7de; white-space: pre }
.bold { font-weight: bold } .faint { fill: #8b949e } .red { fill: #ff7b72 } .green { fill: #56d364 } .yellow { fill: #e3b341 }
""" % FONT


def main():
    polder = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="pd", dir="/tmp") as folder:
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "TERM": "xterm-256color"}
        environment.pop("TMUX", None)

        def run(*command):
            return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

        def tmux(*command):
            return run("tmux", "-S", f"{folder}/tmux", *command)

        tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), f"{polder} demo")
        try:
            wait(lambda: "page" in tmux("capture-pane", "-p") and "shop1" in tmux("capture-pane", "-p"))
            time.sleep(8)  # for some pages to be counted
            run(polder, "demo", "kill", "shop1")
            wait(lambda: tmux("capture-pane", "-p").count("shop: shop2") == 3)
            time.sleep(3)
            screen = tmux("capture-pane", "-e", "-p")
            tmux("send-keys", "q")
        finally:
            time.sleep(1)
            subprocess.run(["tmux", "-S", f"{folder}/tmux", "kill-server"], capture_output=True)
    Path(__file__).with_name("demo.svg").write_text(picture(screen.rstrip("\n").split("\n")))


def wait(happened):
    end = time.monotonic() + 60
    while not happened():
        if time.monotonic() > end:
            sys.exit("the demo does not show what is waited for")
        time.sleep(0.2)


def picture(lines):
    width, height = COLUMNS * WIDTH + 32, len(lines) * HEIGHT + 28
    rows = [row(line, 16, 26 + number * HEIGHT) for number, line in enumerate(lines)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n' + "\n".join(rows) + "\n</svg>\n"
    )


def row(line, left, base):
    """One line: a piece for each colour, at the column where it begins."""
    pieces, column, kind = [], 0, ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            codes = part[2:-1].split(";")
            kind = " ".join(filter(None, (INK.get(code or "0", "") for code in codes)))
        elif part:
            if part.strip():
                name = f' class="{kind}"' if kind else ""
                shown = html.escape(part.rstrip())
                pieces.append(f'<tspan x="{left + column * WIDTH:.1f}"{name}>{shown}</tspan>')
            column += len(part)
    return f'<text y="{base}" xml:space="preserve">{"".join(pieces)}</text>'


if __name__ == "__main__":
    main()
