#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
branches.py TEST_hosttest.c FOLDER COMPILER FLAG... -- SOURCE...

Does the host test try each decision of the code that judges what strangers say, both ways? It is built once more in FOLDER, from itself and the SOURCEs, so
that the compiler counts branches, and run. Comments of the test say what is wanted:

    COVERS: vfs/served/answers.c            all functions of the file, or: COVERS: FILE: FUNCTION...
    ONE WAY: FUNCTION: TEXT: reason         the condition with TEXT in it only ever goes one way; that it goes both is then an error, too
    CONTROLS: lengths nodes                 with WITHOUT=lengths in its environment the test leaves something out, and some branch must be missed

Each line "FILE:LINE: FUNCTION: CONDITION" tells of a condition that went one way only. So that conditions that stand in one line are told apart, what is
compiled is a copy with one condition a line. A comparison that is only returned as it is has no branch: who asks has.
"""
import collections
import json
import os
import re
import subprocess
import sys

# Strings and comments stay whole. The compiler says of a condition that it is where the && or || before it is, or, of one that chooses, the colon.
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|/\*.*?\*/|()(?:&&|\|\|)|(?:\?:|\s:)(?=\s)()', re.S)
Place = collections.namedtuple("Place", "line text")


def wanted(text, word):
    return [re.split(r":\s+", found, maxsplit=2) for found in re.findall(rf"{word}:\s+(.*?)\s*(?:\*/|$)", text, re.M)]


def in_pieces(source):
    """The text with one condition a line, and for each of its lines where it was."""
    text, places, begun = [], [], 0
    directives = [match.span() for match in re.finditer(r"^[ \t]*#(?:.*\\\n)*.*$", source, re.M)]
    ends = [match.start(match.lastindex) for match in TOKEN.finditer(source)
            if match.lastindex and not any(first <= match.start() < last for first, last in directives)]
    for end in sorted({*ends, *(match.end() for match in re.finditer("\n", source)), len(source)}):
        piece = source[begun:end]
        # What a macro is given would all be where that begins.
        text.append(re.sub(r"\b(un)?likely\(", "(", piece.rstrip("\n")) + "\n")
        places.append(Place(source.count("\n", 0, begun) + 1, " ".join(piece.split())))
        begun = end
    return "".join(text), places


class Covered:
    """A file whose branches count."""

    def __init__(self, path, functions, folder):
        self.path, self.functions, self.folder = path, functions, folder
        self.copy = os.path.join(folder, path.replace("/", "_"))
        self.object = self.copy[:-2] + ".o"
        with open(path) as source:
            text, self.places = in_pieces(source.read())
        with open(self.copy, "w") as copy:
            copy.write(text)

    def forget(self):
        if os.path.exists(self.copy[:-2] + ".gcda"):
            os.remove(self.copy[:-2] + ".gcda")

    def decisions(self):
        """(function, place) -> how often each branch there was taken, in the run."""
        said = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", self.copy[:-2] + ".gcda"], cwd=self.folder, check=True,
                              stdout=subprocess.PIPE).stdout
        found = {}
        for file in json.loads(said)["files"]:
            if os.path.basename(file["file"]) != os.path.basename(self.copy):
                continue
            for line in file["lines"]:
                counts = [branch["count"] for branch in line["branches"] if not branch["throw"]]
                function = line.get("function_name")
                if counts and (not self.functions or function in self.functions):
                    found[function, self.places[line["line_number"] - 1]] = counts
        assert found and set(self.functions) <= {function for function, _ in found}, f"{self.path}: no decisions in some function of {self.functions}"
        return found


def build(test, covered, folder, compiler, sources):
    flags = [*compiler[1:], "-w"]
    for file in covered:
        subprocess.run([compiler[0], *flags, "-O0", "--coverage", "-c", file.copy, "-o", file.object], check=True)
    rest = [source for source in sources if source not in {file.path for file in covered}]
    program = os.path.join(folder, "test")
    subprocess.run([compiler[0], *flags, "-O1", test, *rest, *(file.object for file in covered), "-lgcov", "-o", program], check=True)
    return program


def run(program, covered, without=None):
    """What went one way only, as (file, function, place), and how many decisions there are."""
    for file in covered:
        file.forget()
    done = subprocess.run([program], env={**os.environ, **({"WITHOUT": without} if without else {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\nthe test ends with {done.returncode} when it is built for branches{', without ' + without if without else ''}")
    missed, count = [], 0
    for file in covered:
        for (function, place), counts in file.decisions().items():
            count += len(counts) // 2
            if 0 in counts:
                # That a chain of conditions begins is told where it is put together, at its last operator.
                text = place.text if len(counts) == 2 else f"{place.text}   (or what this expression begins with)"
                missed.append((file, function, place._replace(text=text)))
    return missed, count


def main():
    test, folder, *rest = sys.argv[1:]
    compiler, sources = rest[:rest.index("--")], rest[rest.index("--") + 1:]
    os.makedirs(folder, exist_ok=True)
    with open(test) as source:
        text = source.read()
    covered = [Covered(words[0], " ".join(words[1:]).split(), folder) for words in wanted(text, "COVERS")]
    allowed = [tuple(words) for words in wanted(text, "ONE WAY")]
    controls = [name for words in wanted(text, "CONTROLS") for name in words[0].split()]
    program = build(test, covered, folder, compiler, sources)
    missed, count = run(program, covered)

    def is_allowed(function, place, entry):
        return function == entry[0] and entry[1] in place.text

    wrong = [f"{file.path}:{place.line}: {function}: {place.text}" for file, function, place in missed
             if not any(is_allowed(function, place, entry) for entry in allowed)]
    wrong += [f"{test}: ONE WAY: {entry[0]}: {entry[1]}: goes both ways, or is not there" for entry in allowed
              if len(entry) != 3 or not any(is_allowed(function, place, entry) for _, function, place in missed)]
    if wrong:
        sys.exit("conditions that went one way only:\n" + "\n".join(wrong))
    for name in controls:
        if len(run(program, covered, name)[0]) <= len(missed):
            sys.exit(f"{test}: without {name} all branches are taken as well")
    print(f"BRANCHES {', '.join(file.path for file in covered)}: {count} decisions, {len(missed)} of them known to go one way; controls: {' '.join(controls)}")


main()
