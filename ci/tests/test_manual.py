# SPDX-License-Identifier: MIT
"""
The manual: that each of our programs has a page which names all that its --help does, that pages are sound and say what the sources say, and that what they
show as an example works in the guest and prints what they show.
"""
import glob
import os
import re
import subprocess

import pytest

from guest import BUILD, RAEEN, ROOT, run_all

STAGE = os.path.join(BUILD, "userland/stage")
MANDOC = os.path.join(BUILD, "root/usr/bin/mandoc")
OURS = [os.path.join(folder, "usr/share/man") for folder in (STAGE, os.path.join(ROOT, "root"))]
PAGES = {os.path.basename(path): path for folder in OURS for path in sorted(glob.glob(f"{folder}/man[1-9]/*.[1-9]"))}
PROGRAMS = {os.path.basename(path): path
            for folder in (STAGE, os.path.join(ROOT, "root")) for place in ("bin", "sbin", "sbin/*", "usr/bin")
            for path in sorted(glob.glob(f"{folder}/{place}/*")) if os.path.isfile(path)}
pytestmark = pytest.mark.skipif(not os.path.exists(MANDOC), reason="the image was built without mandoc (PORTS=...)")
# It takes no arguments: whatever it is told, it serves.
WITHOUT_HELP = {"example"}


def shown(path):
    """The page as it is read, without bold and underlines."""
    text = subprocess.run([MANDOC, "-T", "ascii", "-O", "width=100", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.sub(".\b", "", text)


def section(text, title):
    """The lines of the section @title of a page as it is shown."""
    found = re.search(rf"^{title}\n((?:[ ].*\n|\n)*)", text, re.M)
    return found[1].splitlines() if found else []


def words(text):
    return " ".join(text.split())


def source(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as handle:
        return handle.read()


def page_of(program):
    return next((PAGES[name] for name in (f"{program}.1", f"{program}.8") if name in PAGES), None)


def test_there_are_programs_and_pages():
    assert {"cap", "svc", "manager", "ext2", "keymap"} <= set(PROGRAMS)
    assert len(PAGES) >= 31


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_program_has_a_page(program):
    assert page_of(program), f"{PROGRAMS[program]} has no page: write {program}.1 or {program}.8 beside its source"


@pytest.mark.parametrize("program", sorted(set(PROGRAMS) - WITHOUT_HELP))
def test_page_names_what_help_names(program):
    """Options, and words that are typed as they stand: those with a | between them, and the first one behind the program's name."""
    done = subprocess.run([PROGRAMS[program], "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == 0 and re.search(rf"^(usage:)? *{program}\b", done.stdout), f"{program} --help: {done}"
    typed = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", done.stdout))
    typed |= {word for line in re.findall(rf"^(?:usage:)? *{program} ([a-z|]+)", done.stdout, re.M) for word in line.split("|")}
    page = shown(page_of(program))
    missing = [word for word in sorted(typed) if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", page)]
    assert not missing, f"{page_of(program)} does not say what {missing} of --help is"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_page_is_sound(page):
    done = subprocess.run([MANDOC, "-T", "lint", "-W", "warning", PAGES[page]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.stdout == "" and done.returncode == 0, done.stdout
    text = source(PAGES[page])
    name, number = re.search(r"^\.Dt (\S+) (\d)$", text, re.M).groups()
    assert page == f"{name.lower()}.{number}"
    for other, its_number in re.findall(r"^\.(?:It )?(?:Pq )?Xr (\S+) (\d)", text, re.M):
        own, packed = f"{other}.{its_number}", f"man{its_number}/{other}.{its_number}.gz"
        assert own in PAGES or os.path.exists(os.path.join(BUILD, "root/usr/share/man", packed)), f"{page} refers to {own}, which is not there"


def test_native_calls():
    """Each has a page, whose synopsis has its prototype."""
    synopses = words(" ".join(line for page in PAGES if page.endswith(".2") for line in section(shown(PAGES[page]), "SYNOPSIS")))
    with open(os.path.join(BUILD, "abi/raeen/stubs.h"), encoding="utf-8") as handle:
        prototypes = re.findall(r"^static inline (.*\(.*\))$", handle.read(), re.M)
    prototypes = [prototype for prototype in prototypes if "msg_header_make" not in prototype]
    assert len(prototypes) >= 28
    missing = [prototype for prototype in prototypes if prototype + ";" not in synopses]
    assert not missing


def test_library():
    synopsis = words(" ".join(section(shown(PAGES["libraeen.3"]), "SYNOPSIS")))
    functions = set(re.findall(r"\b(message_\w+)\(", re.sub(r"/\*.*?\*/", "", source("src/userland/lib/raeen/message.h"), flags=re.S)))
    assert len(functions) >= 9
    assert not [name for name in functions if f"{name}(" not in synopsis]


def test_capabilities():
    page = words(shown(PAGES["capabilities.7"]))
    definitions = re.findall(r"^\d+ (\w+) : (.*)$", source("src/kernel/abi/caps.def"), re.M)
    assert len(definitions) >= 19
    assert not [name for name, meaning in definitions if f"{name} {meaning}" not in page]


def test_keys_of_services_conf():
    page = source("src/servers/lib/services_conf/services.conf.5")
    keys = re.findall(r'^\t\{ "(\w+)", (?:true|false), parse_\w+ \},$', source("src/servers/lib/services_conf/keys.c"), re.M)
    assert len(keys) >= 18
    assert not [key for key in keys if not re.search(rf"^\.(It )?Ic {key}\b", page, re.M)]


def examples(path):
    """(commands, what they print) of the examples that are typed in the guest: lines with a prompt, and others that follow one without an empty line."""
    commands, printed, follows = [], [], False
    for line in section(shown(path), "EXAMPLES"):
        line = line.strip()
        if line.startswith("# "):
            commands.append(line[2:])
        elif line and follows:
            printed.append(line)
        follows = bool(line) and (line.startswith("# ") or follows)
    return commands, printed


EXAMPLES = {page: found for page in sorted(PAGES if os.path.exists(MANDOC) else ()) if (found := examples(PAGES[page]))[0]}
# name: (command, expected status, what is printed, as a regular expression)
READING = {
    "page": ("man svc", 0, r"SVC\(8\).*svc . look at services, start, stop and upgrade them.*upgrade NAME \[PROGRAM\].*EXIT STATUS.*svc kill example"),
    "of a section": ("man 5 services.conf", 0, r"SERVICES\.CONF\(5\).*give-up=20/min"),
    "one of two": ("man 7 handles | head -n 3; man -w 1 handles; man -w 7 handles", 0, r"HANDLES\(7\).*NAME\n/usr/share/man/man1/handles\.1\n/usr/share/man/man7/handles\.7\n"),
    "by another name": ("man msg_recv", 0, r"MSG_CALL\(2\)"),
    "packed": ("man mdoc", 0, r"MDOC\(7\)"),
    "none": ("man nothing-like-that", 5, r"No entry for nothing-like-that"),
    "apropos": ("apropos sandbox; apropos message", 0, r"sandbox\(1\) - .*\n(.*\n)*.*ports\(7\) - messages between programs"),
    "man -k": ("man -k service", 0, r"svc\(8\) - look at services"),
    "whatis": ("whatis capabilities", 0, r"capabilities\(7\) - what a process may acquire"),
    "ordinary user": ("su raeen -c 'man cap | head -n 4'", 0, r"CAP\(1\).*NAME"),
    "pager": ("printf q | TERM=linux script -qc 'man svc' /dev/null", 0, r"SVC\(8\).*SYNOPSIS"),
    "index made anew": ("cp /usr/share/man/mandoc.db /tmp/old && makewhatis -Q /usr/share/man && cmp /tmp/old /usr/share/man/mandoc.db", 0, r""),
    "without mandoc": ("mv /usr/bin/man /tmp/ && ENV=/etc/shrc sh -ic 'man svc'; status=$?; mv /tmp/man /usr/bin/; exit $status", 127, r"lacks the port mandoc.*\n.*svc\.8"),
}


# The examples' service is one that starts behind all others.
RUNNING = "until svc list | grep -q '^example running'; do sleep 0.1; done\n"


@pytest.fixture(scope="module")
def results():
    commands = {f"reading: {name}": command for name, (command, _, _) in READING.items()}
    commands.update({f"examples: {page}": RUNNING + "set -e\n" + "\n".join(lines) for page, (lines, _) in EXAMPLES.items()})
    return run_all(RAEEN, commands)


@pytest.mark.parametrize("name", READING)
def test_reading(results, name):
    _, status, printed = READING[name]
    result = results[f"reading: {name}"]
    text = re.sub(".\b", "", result.output)
    assert result.status == status, text
    assert re.search(printed, text, re.S), text


@pytest.mark.parametrize("page", EXAMPLES)
def test_examples(results, page):
    result = results[f"examples: {page}"]
    assert result.status == 0, result.output
    lines = [line.strip() for line in result.output.splitlines()]
    assert not [line for line in EXAMPLES[page][1] if line not in lines], result.output


def test_examples_are_found():
    assert len(EXAMPLES) >= 15 and sum(len(printed) for _, printed in EXAMPLES.values()) >= 4
