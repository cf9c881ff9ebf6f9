#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns protocol definitions into C (README.md says how they are written, and what comes out).

Usage: gen-proto.py CAPS.DEF OUTDIR NAME.def...

For each: NAME.h for clients (of a protocol that only the kernel sends: what travels), NAME_server.h and NAME_server.c for servers, NAME_tables.c for the
test; for all: names.h. A file is written only when it changes.
"""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from checks import emit_checks, wire_length                     # noqa: E402
from definition import Protocol, read_capabilities              # noqa: E402
from server_code import server_header, server_source            # noqa: E402
from tables import tables_source                                # noqa: E402

WAYS = (("in", "request"), ("out", "reply"))


def head(protocol):
    return f"/* SPDX-License-Identifier: MIT */\n/* Generated from {protocol.path.name} by gen-proto.py. {protocol.text} */\n"


def enum_code(protocol, enum):
    upper = f"{protocol.name}_{enum.name}".upper()
    lines = [f"\t{upper}_{name.upper()} = {number},\t/* {text} */" for name, number, text in enum.values]
    return f"/* {enum.text} */\nenum {protocol.name}_{enum.name} {{\n" + "\n".join(lines) + "\n};\n"


def struct_code(protocol, struct):
    name = f"struct {protocol.name}_{struct.name}"
    lines = []
    for f in struct.fields:
        dimension = f"[{f.dimension}]" if f.dimension else ""
        of = f" enum {protocol.name}_{f.type.name}." if f.kind == "enum" else " 0 or 1." if f.kind == "bool" else ""
        end = " Ends with a NUL." if f.kind == "text" else ""
        lines.append(f"\t{f.c_type} {f.name}{dimension};\t/* {f.text}{of}{end} */")
    places = "".join(f"_Static_assert(offsetof({name}, {f.name}) == {f.offset}, \"the same place in every program\");\n"
                     for f in struct.fields if f.tail)
    comment = f"/* {struct.text} */\n" if struct.text else ""
    return (f"{comment}{name} {{\n" + "\n".join(lines) + "\n};\n"
            f"_Static_assert(sizeof({name}) == {struct.size}, \"the same size in every program\");\n{places}")


def reply_check(protocol, request):
    """A function that looks at what a server answered: it may be broken."""
    struct = request.fields["out"]
    if not struct.fields:
        return ""
    code = emit_checks(struct, lambda _: "return -EPROTO;")
    return (f"/* Whether the answer is one. 0 or -EPROTO. */\nstatic inline int {protocol.name}_{request.name}_reply_check("
            f"const struct {protocol.name}_{struct.name} *message, unsigned length)\n{{\n{code}\treturn 0;\n}}\n\n")


def parameters(protocol, request):
    """Of the client's function: (C declarations of what is given, of what comes)."""
    given = [f"const struct {protocol.name}_{request.name}_request *request"] if request.fields["in"].fields else []
    given += [f"int {name}" for name, _ in request.handles["in"]]
    come = [f"struct {protocol.name}_{request.name}_reply *reply"] if request.fields["out"].fields else []
    come += [f"int *{name}_out" for name, _ in request.handles["out"]]
    return given, come


def client_comment(request):
    lines = [request.text]
    lines += [f"@{name}: {text} It is gone for the caller afterwards, except with EINVAL." for name, text in request.handles["in"]]
    lines += [f"@{name}_out: {text}" for name, text in request.handles["out"]]
    if request.needs:
        lines.append(f"Needs {', '.join(request.needs)}: EPERM without.")
    if request.grants:
        lines.append(f"Lends {', '.join(request.grants)} to the service until it answers.")
    return "/*\n" + "".join(f" * {line}\n" for line in lines) + " */\n"


def client_code(protocol, request):
    struct, reply = request.fields["in"], request.fields["out"]
    handles_in, handles_out = request.handles["in"], request.handles["out"]
    name, upper = f"{protocol.name}_{request.name}", f"{protocol.name}_{request.name}".upper()
    given, come = parameters(protocol, request)
    extra = handles_in or handles_out or request.grants
    body = ["\tvoid *buffer = message_buffer();"]
    if extra:
        values = [f".grants = {upper}_GRANTS"] if request.grants else []
        if handles_in:
            values.insert(0, f".handles = {{ {', '.join(n for n, _ in handles_in)} }}")
        body.append(f"\tstruct msg_extra extra = {{ {', '.join(values) or '0'} }};")
    if not request.notice:
        body.append("\tstruct msg_result result;")
        body.append("\tint error;")
    length = "0"
    body.append("")
    body += [f"\t*{n}_out = -1;" for n, _ in handles_out]
    give_up = f"{{\n\t\tmessage_close(extra.handles, {len(handles_in)});\n\t\treturn ERROR;\n\t}}" if handles_in else "\n\t\treturn ERROR;"
    give_up = " " + give_up if handles_in else give_up
    body.append("\tif (!buffer)" + give_up.replace("ERROR", "-ENOMEM"))
    if struct.fields:
        if struct.tail:
            body.append(f"\tif (request->{struct.tail.count_name} > {struct.tail.dimension})" + give_up.replace("ERROR", "-EMSGSIZE"))
        length = wire_length(struct, "request")
        body.append(f"\tif ((const void *)request != buffer)\n\t\tmemcpy(buffer, request, {length});")
    header = f"msg_header_make({upper}, {length}, {len(handles_in)}, 0)"
    where = "&extra" if extra else "NULL"
    if request.notice:
        body.append(f"\treturn (int)msg_send(port, {header}, timeout, {where});")
    else:
        # The shorter way where nothing but the message goes.
        short = "" if extra else f"timeout == MSG_WAIT ? msg_ask(port, {header}) : "
        body.append(f"\tresult = {short}msg_call(port, {header}, timeout, {where});")
        body.append(f"\terror = message_answer(result.header, {len(handles_out)}, {where});")
        check = f"{name}_reply_check(buffer, msg_length(result.header))" if reply.fields else "msg_length(result.header) == 0 ? 0 : -EPROTO"
        body.append("\tif (error < 0)\n\t\treturn error;")
        body.append(f"\terror = {check};")
        if handles_out:
            body.append(f"\tif (error < 0)\n\t\tmessage_close(extra.handles, {len(handles_out)});")
        if reply.fields:
            body.append("\tif (error == 0 && reply && (void *)reply != buffer)\n\t\tmemcpy(reply, buffer, msg_length(result.header));")
        body += [f"\t*{n}_out = extra.handles[{i}];" for i, (n, _) in enumerate(handles_out)]
        body.append("\treturn error;")
    arguments = ", ".join(["int port", *given, *come, "int64_t timeout"])
    return f"{client_comment(request)}static inline int {name}({arguments})\n{{\n" + "\n".join(body) + "\n}\n\n"


VERSION = """/*
 * Asks which version the service speaks. Returns its minor version, from which on follows what it knows; -EPROTONOSUPPORT when the major one
 * is not ours, or another error.
 */
static inline int {name}_version(int port, int64_t timeout)
{{
	struct protocol_version *version = message_buffer();
	struct msg_result result;
	int error;

	if (!version)
		return -ENOMEM;
	*version = (struct protocol_version){{ .major = {upper}_MAJOR, .minor = {upper}_MINOR }};
	result = msg_call(port, msg_header_make({upper}_VERSION, sizeof *version, 0, 0), timeout, NULL);
	error = message_answer(result.header, 0, NULL);
	if (error < 0)
		return error;
	if (msg_length(result.header) != sizeof *version)
		return -EPROTO;
	return version->major == {upper}_MAJOR ? version->minor : -EPROTONOSUPPORT;
}}

"""


INCLUDES = """#include <raeen/message.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

"""

# The kernel is the client.
KERNEL_INCLUDES = f"""#ifdef IN_KERNEL
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/types.h"
#else
{INCLUDES.rstrip()}
#endif

"""


def client_header(protocol):
    upper = protocol.name.upper()
    parts = [head(protocol), "#pragma once\n\n", KERNEL_INCLUDES if protocol.kernel else INCLUDES]
    parts.append(f"enum {{ {upper}_ID = {protocol.id}, {upper}_MAJOR = {protocol.major}, {upper}_MINOR = {protocol.minor} }};\n\n")
    types = [f"\t{upper}_VERSION = {protocol.id << 16:#x},\t/* Which version is spoken. */"]
    types += [f"\t{upper}_{r.name.upper()} = {protocol.id << 16 | r.number:#x},\t/* {r.text} */" for r in protocol.requests]
    parts.append(f"/* Types of messages. */\nenum {{\n" + "\n".join(types) + "\n};\n\n")
    for r in protocol.requests:
        for word in ("needs", "grants"):
            bits = getattr(r, word)
            if bits:
                value = " | ".join(f"1ull << {protocol.capabilities[b]}" for b in bits)
                parts.append(f"#define {upper}_{r.name.upper()}_{word.upper()} ({value})\t/* {' '.join(bits)} */\n")
    parts += [enum_code(protocol, e) + "\n" for e in protocol.enums.values()]
    parts += [struct_code(protocol, s) + "\n" for s in protocol.structs.values()]
    for r in protocol.requests:
        parts += [struct_code(protocol, r.fields[way]) + "\n" for way, _ in WAYS if r.fields[way].fields]
    for r in protocol.requests:
        parts.append(reply_check(protocol, r))
        if not protocol.kernel:
            parts.append(client_code(protocol, r))
    if not protocol.kernel:
        parts.append(VERSION.format(name=protocol.name, upper=upper))
    return "".join(parts).rstrip() + "\n"


def names_header(protocols):
    lines = []
    for p in protocols:
        lines.append(f'\t{{ {p.id << 16:#x}, "{p.name}.version" }},')
        lines += [f'\t{{ {p.id << 16 | r.number:#x}, "{p.name}.{r.name}" }},' for r in sorted(p.requests, key=lambda r: r.number)]
    return ("/* SPDX-License-Identifier: MIT */\n/* Generated by gen-proto.py: what the types of messages are called, for traces and logs; in their order. */\n"
            "#pragma once\n\n#include <stdint.h>\n\nstatic const struct protocol_type_name {\n\tuint32_t type;\n\tconst char *name;\n"
            "} protocol_type_names[] = {\n" + "\n".join(lines) + "\n};\n")


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    capabilities = read_capabilities(sys.argv[1])
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    protocols = [Protocol(path, capabilities) for path in sys.argv[3:]]
    owners = {}
    for p in protocols:
        if p.id in owners:
            sys.exit(f"{p.path}: the id {p.id} is that of {owners[p.id].path}")
        owners[p.id] = p
    for p in protocols:
        write(out / f"{p.name}.h", client_header(p))
        write(out / f"{p.name}_server.h", head(p) + server_header(p))
        write(out / f"{p.name}_server.c", head(p) + server_source(p))
        write(out / f"{p.name}_tables.c", head(p) + tables_source(p))
    write(out / "names.h", names_header([owners[i] for i in sorted(owners)]))


if __name__ == "__main__":
    main()
