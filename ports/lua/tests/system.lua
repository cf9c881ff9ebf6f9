-- SPDX-License-Identifier: MIT
-- io and os, in the current folder; arguments are "one" and "two words".
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local check = require "check"
local is, raises = check.is, check.raises

is("arguments", arg[1] .. "|" .. arg[2] .. "|" .. select(2, ...), "one|two words|two words")
is("interpreter", arg[-1], "lua")

-- Files.
local name = os.tmpname()
local file <close> = assert(io.open(name, "w+"))
is("type", io.type(file), "file")
is("write chains", file:write("line 1\n", 2, "\n", 3.5, "\nlast"):seek("cur"), 17)
file:seek("set")
is("lines", file:read("l") .. file:read("n") .. tostring(file:read("n")) .. file:read("L") .. file:read("a"), "line 123.5\nlast")
is("end", file:read("l"), nil)
is("all at the end", file:read("a"), "")
is("size", file:seek("end"), 17)
file:seek("set", 5)
file:write("X")
file:seek("set")
is("overwritten", file:read(7), "line X\n")
is("several", select("#", file:read("n", "n", "l", "l")), 4)
is("buffer", file:setvbuf("full", 4096), true)
local seen = {}
for number, rest in io.lines(name, "n", "L") do seen[#seen + 1] = number end
is("lines of what is no number", #seen, 0)
file:close()
is("closed", io.type(file), "closed file")
raises("use after close", "closed file", function() file:read() end)
for line in io.lines(name) do seen[#seen + 1] = line end
is("lines close the file", table.concat(seen, ","), "line X,2,3.5,last")

local append = assert(io.open(name, "a"))
append:write("\nmore"):close()
is("append", assert(io.open(name, "rb")):read("a"):sub(-9), "last\nmore")
local missing, message, code = io.open("/nowhere/file")
is("error", message .. code, "/nowhere/file: No such file or directory2")
is("not writable", select(3, io.open("/", "w")), 21)
raises("mode", "invalid mode", io.open, name, "rz")
assert(os.rename(name, name .. ".new"))
is("renamed", io.open(name), nil)
is("removed", os.remove(name .. ".new"), true)
is("remove again", select(3, os.remove(name .. ".new")), 2)

local big = assert(io.tmpfile())
local block = ("0123456789abcdef"):rep(256)
for i = 1, 512 do big:write(block) end
is("2 MiB", big:seek("end"), 2097152)
big:seek("set", 1048576 - 3)
is("across", big:read(6), "def012")
big:close()

-- Processes.
local pipe = assert(io.popen("echo out; echo $((6 * 7)); exit 3"))
is("popen", pipe:read("a"), "out\n42\n")
local ok, how, status = pipe:close()
is("status", tostring(ok) .. how .. status, "nilexit3")
local sink = assert(io.popen("cat > written; exit 0", "w"))
for i = 1, 5000 do sink:write(i, "\n") end
is("pclose", sink:close(), true)
local n, last = 0, nil
for line in io.lines("written") do n, last = n + 1, line end
is("written to a pipe", n .. last, "50005000")
os.remove("written")
is("execute", select(3, os.execute("exit 5")), 5)
is("signal", table.concat({ tostring(os.execute("kill -9 $$")), select(2, os.execute("kill -9 $$")) }, " "), "nil signal 9")
is("shell", os.execute(), true)

-- Time.
is("date", os.date("!%Y-%m-%d %H:%M:%S", 86400 * 365), "1971-01-01 00:00:00")
local when = os.date("!*t", 951782400)
is("leap", ("%d-%d-%d %d %d"):format(when.year, when.month, when.day, when.yday, when.wday), "2000-2-29 60 3")
local normal = { year = 2026, month = 14, day = -3, hour = 12 }
os.time(normal)
is("normalised", ("%d-%d-%d"):format(normal.year, normal.month, normal.day), "2027-1-28")
is("difftime", os.difftime(110, 100), 10.0)
is("now", os.time() > 1600000000 and os.clock() >= 0, true)
raises("bad conversion", "invalid conversion", os.date, "%Ez", 0)

is("environment", os.getenv("PATH") ~= nil and os.getenv("NO_SUCH_NAME") == nil, true)
is("locale", os.setlocale(nil), "C")
is("loadlib", select(3, package.loadlib("/lib/x.so", "f")), "absent")
is("require", select(2, pcall(require, "nosuch")):match("no file '/usr/share/lua/5.4/nosuch.lua'") ~= nil, true)

check.done("system")
