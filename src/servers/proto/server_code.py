# SPDX-License-Identifier: MIT
"""NAME_server.h and NAME_server.c: what a server implements, and the decoder between it and whoever sends."""
from checks import emit_checks, wire_length


def handle_names(protocol, request):
    lines = []
    for way in ("in", "out"):
        lines += [f"\t{protocol.name.upper()}_{request.name.upper()}_{way.upper()}_{name.upper()} = {i},\t/* {text} */"
                  for i, (name, text) in enumerate(request.handles[way])]
    return "/* Places of handles in server_call.extra.handles (in) and server_call.reply_handles (out). */\nenum {\n" + "\n".join(lines) + "\n};\n\n" if lines else ""


def operation(protocol, request):
    arguments = ["struct server_call *call"]
    if request.fields["in"].fields:
        arguments.append(f"const struct {protocol.name}_{request.name}_request *request")
    if request.fields["out"].fields:
        arguments.append(f"struct {protocol.name}_{request.name}_reply *reply")
    return f"\t/* {request.text} */\n\tint (*{request.name})({', '.join(arguments)});\n"


def answer_function(protocol, request):
    """For calls that were put off with SERVER_LATER."""
    if request.notice:
        return ""
    reply = request.fields["out"]
    handles = [f"int {name}" for name, _ in request.handles["out"]]
    fields = [f"const struct {protocol.name}_{request.name}_reply *reply"] if reply.fields else []
    arguments = ", ".join(["struct server *server", "uint64_t token", *fields, *handles])
    body = f"\tint handles[] = {{ {', '.join(name for name, _ in request.handles['out'])} }};\n\n" if handles else ""
    given = f"reply, {wire_length(reply, 'reply')}" if reply.fields else "NULL, 0"
    body += f"\treturn server_answer(server, token, 0, {given}, {'handles' if handles else 'NULL'}, {len(handles)});\n"
    return f"/* Answers a call of {request.name} that was put off. As server_answer(). */\nstatic inline int {protocol.name}_{request.name}_answer({arguments})\n{{\n{body}}}\n\n"


def request_branches(request):
    """Names of what can be wrong with a request, in the order in which it is looked at."""
    found = [] if request.notice else ["token"]
    found.append("handles")
    emit_checks(request.fields["in"], lambda branch: found.append(branch) or "")
    found += [word for word in ("needs", "grants") if getattr(request, word)]
    return [f"{request.name}_{branch}" for branch in dict.fromkeys(found)]


def branches(protocol):
    found = ["type", "version_token", "version_handles", "version_length"]
    for request in protocol.requests:
        found += request_branches(request)
    return found


def server_header(protocol):
    name = protocol.name
    parts = [f"#pragma once\n\n#include \"proto/{name}.h\"\n#include \"lib/server.h\"\n\n"]
    parts += [handle_names(protocol, r) for r in protocol.requests]
    parts.append(f"/*\n * What a server of {name} does: one function a request (NULL: ENOSYS). The request is checked and a copy; the reply is zero, but for the\n"
                 " * bytes that it ends with where their number is told. Returns 0, a negative errno, SERVER_LATER when it will be answered by an _answer() function,\n"
                 " * or SERVER_ANSWERED. What is left in call->extra.handles is closed.\n */\n")
    parts.append(f"struct {name}_operations {{\n" + "".join(operation(protocol, r) for r in protocol.requests) + "};\n\n")
    parts.append(f"/* For struct server. */\nextern const struct protocol {name}_protocol;\n\n")
    parts += [answer_function(protocol, r) for r in protocol.requests]
    return "".join(parts).rstrip() + "\n"


def serve_function(protocol, request):
    name, upper = protocol.name, f"{protocol.name}_{request.name}".upper()
    struct, reply = request.fields["in"], request.fields["out"]

    def fail(branch):
        return f"return reject(BAD_{request.name.upper()}_{branch.upper()}, -EBADMSG);"

    lines = [f"static int serve_{request.name}(struct server_call *call, const struct {name}_operations *operations)", "{"]
    if struct.fields:
        lines.append(f"\tconst struct {name}_{struct.name} *message = call->payload;")
        lines.append(f"\tstruct {name}_{struct.name} request;")
    if reply.fields:
        lines.append(f"\tstruct {name}_{reply.name} reply;")
    lines += ["\tunsigned length = msg_length(call->header);", "\tint result;", ""]
    if not request.notice:
        lines += ["\tif (!call->token)", f"\t\t{fail('token')}"]
    lines += [f"\tif (msg_handles(call->header) != {len(request.handles['in'])})", f"\t\t{fail('handles')}"]
    lines.append(emit_checks(struct, fail).rstrip("\n"))
    for word, what in (("needs", "capabilities"), ("grants", "grants")):
        if getattr(request, word):
            lines += [f"\tif (({upper}_{word.upper()} & ~call->extra.{what}) != 0)",
                      f"\t\treturn reject(BAD_{request.name.upper()}_{word.upper()}, -EPERM);"]
    lines += [f"\tif (!operations->{request.name})", "\t\treturn -ENOSYS;"]
    arguments = ["call"]
    if struct.fields:
        lines.append("\tmemcpy(&request, message, length);")
        arguments.append("&request")
    if reply.fields:
        size = f"offsetof(struct {name}_{reply.name}, {reply.tail.name})" if reply.tail else "sizeof reply"
        lines.append(f"\tmemset(&reply, 0, {size});")
        arguments.append("&reply")
    lines += [f"\tresult = operations->{request.name}({', '.join(arguments)});"]
    if not reply.fields and not request.handles["out"]:
        return "\n".join([*lines, "\treturn result;", "}", ""])
    lines += ["\tif (result != 0)", "\t\treturn result;"]
    if reply.fields:
        if reply.tail:
            lines += [f"\tif (reply.{reply.tail.count_name} > {reply.tail.dimension})", "\t\treturn -EIO;"]
        lines.append(f"\tcall->reply_length = {wire_length(reply, '(&reply)')};")
        lines.append("\tmemcpy(call->payload, &reply, call->reply_length);")
    for i in range(len(request.handles["out"])):
        lines += [f"\tif (call->reply_handles[{i}] < 0)", "\t\treturn -EIO;"]
    if request.handles["out"]:
        lines.append(f"\tcall->reply_handle_count = {len(request.handles['out'])};")
    return "\n".join([*lines, "\treturn 0;", "}", ""])


VERSION = """static int serve_version(struct server_call *call)
{{
	if (!call->token)
		return reject(BAD_VERSION_TOKEN, -EBADMSG);
	if (msg_handles(call->header) != 0)
		return reject(BAD_VERSION_HANDLES, -EBADMSG);
	if (msg_length(call->header) != sizeof(struct protocol_version))
		return reject(BAD_VERSION_LENGTH, -EBADMSG);
	*(struct protocol_version *)call->payload = (struct protocol_version){{ .major = {upper}_MAJOR, .minor = {upper}_MINOR }};
	call->reply_length = sizeof(struct protocol_version);
	return 0;
}}

"""


def server_source(protocol):
    name, upper = protocol.name, protocol.name.upper()
    found = branches(protocol)
    parts = [f"#include \"proto/{name}_server.h\"\n\n"]
    parts.append("/* What can be wrong with a message; how often each was is counted. */\nenum {\n"
                 + "".join(f"\tBAD_{b.upper()},\n" for b in found) + "\tBAD_COUNT\n};\n\n")
    parts.append("static const char *const reject_names[] = {\n" + "".join(f'\t"{b}",\n' for b in found) + "};\n\n")
    parts.append("static uint64_t rejects[BAD_COUNT];\n\nstatic int reject(unsigned branch, int error)\n{\n\trejects[branch]++;\n\treturn error;\n}\n\n")
    parts.append(VERSION.format(upper=upper))
    parts += [serve_function(protocol, r) + "\n" for r in protocol.requests]
    cases = "".join(f"\tcase {upper}_{r.name.upper()}:\n\t\treturn serve_{r.name}(call, operations);\n" for r in protocol.requests)
    parts.append(f"static int serve(struct server_call *call, const void *operations)\n{{\n\tswitch (msg_type(call->header)) {{\n\tcase {upper}_VERSION:\n"
                 f"\t\treturn serve_version(call);\n{cases}\tdefault:\n\t\treturn reject(BAD_TYPE, -ENOSYS);\n\t}}\n}}\n\n")
    parts.append(f"const struct protocol {name}_protocol = {{\n\t.name = \"{name}\", .id = {upper}_ID, .major = {upper}_MAJOR, .minor = {upper}_MINOR,\n"
                 "\t.reject_count = BAD_COUNT, .reject_names = reject_names, .rejects = rejects, .serve = serve,\n};\n")
    return "".join(parts)
