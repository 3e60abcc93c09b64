"""Runs a command on a pseudo-terminal: pseudo_terminal.py COLUMNS ROWS COMMAND...

Writes the terminal's output to stdout. Lines on stdin control it: "resize COLUMNS ROWS", or "type HEX".
Ends with the command's exit code.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios


def set_size(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


def act(terminal, line):
    action, *values = line.split()
    if action == "resize":
        set_size(terminal, *values)
    elif action == "type":
        os.write(terminal, bytes.fromhex(values[0]))


def main():
    columns, rows, *command = sys.argv[1:]
    ready, go = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        # Waits until the terminal has its size.
        os.read(ready, 1)
        os.execvp(command[0], command)
    set_size(terminal, columns, rows)
    os.write(go, b"x")
    sources = [terminal, sys.stdin.fileno()]
    while True:
        for source in select.select(sources, [], [])[0]:
            try:
                data = os.read(source, 65536)
            except OSError:  # on Linux: the command has ended
                data = b""
            if source == terminal:
                if not data:
                    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                os.write(sys.stdout.fileno(), data)
            elif not data:
                sources.remove(source)
            else:
                for line in data.decode().splitlines():
                    act(terminal, line)


main()
