# SPDX-License-Identifier: MIT
"""
The tests of Lua that Fengari, a Lua written in JavaScript, brings along: Lua 5.3's own, cut into pieces, each a text in a file in JavaScript. What they are in
Lua again. By hand: lua_pieces.py FOLDER writes them.
"""
import os
import re
import sys
import tarfile

from guest import ROOT

sys.path[:0] = [os.path.join(ROOT, "toolchain/lib")]
import npm  # noqa: E402

ARCHIVE = ("fengari", "0.1.5", "16a32282fc658798501241278a9265727479682e9c130e25b767e748984f0806")
FOLDER = "package/test/test-suite/"
TEMPLATE = r"`(?:[^`\\]|\\.)*`"
TERM = rf"(?:\w+|{TEMPLATE})"
SUM = rf"{TERM}(?:\s*\+\s*{TERM})*"
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
# The words of Lua itself for what is written in JavaScript there and in C here.
WORDS = (('"[JS]"', '"[C]"'), ("[JS]", "[C]"), ('what == "J"', 'what == "C"'), ("JS stack overflow", "C stack overflow"), ("too many JS levels", "too many C levels"), ("package.jspath", "package.cpath"))


def unescaped(text):
    """What JavaScript makes of the inside of a template."""
    def one(match):
        if match[1] or match[2] or match[3]:
            return chr(int(match[1] or match[2] or match[3], 16))
        return ESCAPES.get(match[4], match[4])
    return re.sub(r"\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|(.))", one, text, flags=re.S)


def value(expression, known):
    """The text that a sum of names and templates is, or None."""
    terms = re.findall(TERM, expression, re.S)
    texts = [unescaped(term[1:-1]) if term[0] == "`" else known.get(term) for term in terms]
    return None if None in texts else "".join(texts)


def definitions(text, known):
    """Names that @text gives to texts, added to a copy of @known."""
    known = dict(known)
    for name, expression in re.findall(rf"(?:const|let|var) (\w+) = ({SUM});", text, re.S):
        known[name] = value(expression, known)
    return known


def chunk(test, known, files):
    """What one test gives to Lua and the name that it does so by; None when nothing."""
    named = re.search(r'luaL_loadfile\(L, to_luastring\("test/test-suite/([\w.-]+)"\)', test)
    if named:
        return files[named[1]], "@" + named[1]
    known = definitions(test, known)
    loaded = re.search(rf"luaL_load(?:string|buffer)\(L, (?:b,|to_luastring\(({SUM})\))", test, re.S)
    if not loaded:
        return None
    text = value(loaded[1] or re.search(rf"let b = to_luastring\(({SUM})\)", test, re.S)[1], known)
    for here, there in WORDS:
        text = text.replace(here, there)
    name = re.search(r'luaL_loadbuffer\(.*to_luastring\("(@[\w.]+)"\)', test)
    return text.encode(), name[1] if name else "=[string]"


def pieces():
    """Name, such as "math-07" -> (text, name of the chunk), or None for a test without a text."""
    files, found = {}, {}
    with tarfile.open(npm.fetch(*ARCHIVE)) as archive:
        for member in archive.getmembers():
            if member.isfile() and member.name.startswith(FOLDER):
                files[member.name[len(FOLDER):]] = archive.extractfile(member).read()
    for name in sorted(files):
        subject, is_test, _ = name.partition(".test.js")
        text = files[name].decode() if is_test else ""
        tests = re.split(r"^test(?:\.skip)?\(", text, flags=re.M)
        known = {}
        for number, test in enumerate(tests):
            if number:
                found[f"{subject}-{number:02}"] = chunk(test, known, files)
            known = definitions("".join(re.findall(rf"^const \w+ = {SUM};", test, re.M | re.S)), known)
    return found


if __name__ == "__main__":
    for piece, (code, chunk_name) in ((piece, found or (b"", "")) for piece, found in pieces().items()):
        with open(os.path.join(sys.argv[1], piece + ".lua"), "wb") as file:
            file.write(code)
        print(piece, chunk_name)
