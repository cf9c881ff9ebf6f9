# SPDX-License-Identifier: MIT
"""A person who types at a machine (screen_machine, serial_machine) and reads the whole screen, not only what is hoped for."""
import os
import time

PATIENCE = 120
LOOK = bool(os.environ.get("LOOK"))     # print what is seen where it is not what is expected, and go on: for writing new tests


def text_of(cells):
    """The lines without blanks at their ends, up to the last that is not empty."""
    lines = ["".join(cell.char for cell in line).rstrip() for line in cells]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def cursor_of(cells):
    """(row, column), or None: it is hidden, or just now not drawn because it blinks."""
    return next(((row, column) for row, line in enumerate(cells) for column, cell in enumerate(line) if cell.cursor), None)


class Typist:
    def __init__(self, machine):
        self.machine = machine
        self.seen = []

    def type(self, typed):
        self.machine.type(typed)

    def until(self, condition, told):
        """Looks until @condition of the cells holds."""
        deadline = time.monotonic() + (8 if LOOK else PATIENCE)
        while not condition(self.look()):
            if time.monotonic() > deadline:
                shown = "\n".join(f"  {line!r}," for line in text_of(self.seen))
                if LOOK:
                    print(f"--- instead of {told}, cursor {cursor_of(self.seen)}:\n{shown}", flush=True)
                    return
                raise AssertionError(f"the screen never showed\n{told}\nbut, cursor at {cursor_of(self.seen)}:\n{shown}\n{self.machine.log()}")
            time.sleep(0.1)

    def look(self):
        self.seen = self.machine.cells()
        return self.seen

    def expect(self, *lines, cursor=None):
        """All that is on the screen, and where the cursor is: (row, column), or the column in the last line."""
        if isinstance(cursor, int):
            cursor = (len(lines) - 1, cursor)
        drawn = [self.machine.as_read(line) for line in lines]
        self.until(lambda cells: text_of(cells) == drawn and cursor in (None, cursor_of(cells)),
                   "\n".join(f"  {line!r}," for line in lines) + f"\nwith the cursor at {cursor}")

    def enter(self, typed, *lines, cursor=None):
        self.type(typed)
        self.expect(*lines, cursor=cursor)

    def colors(self, text):
        """(foreground, background) of the first place where @text is; all of it must have the same."""
        for line in self.seen:
            column = "".join(cell.char for cell in line).find(text)
            if column >= 0:
                found = {(cell.foreground, cell.background) for cell in line[column:column + len(text)] if cell.char != " "}
                assert len(found) == 1, f"{text!r} has several colours: {found}"
                return found.pop()
        raise AssertionError(f"{text!r} is not on the screen")
