-- SPDX-License-Identifier: MIT
-- The string and utf8 libraries: patterns, formats, packing.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local check = require "check"
local is, raises = check.is, check.raises

is("escapes", "\65\x42\u{20AC}\z
    end\a", "AB\xE2\x82\xACend\7")
is("long", [==[
]]a]=]]==], "]]a]=]")
is("zero", #"a\0b", 3)
is("sub", ("hello"):sub(2, -2) .. ("hello"):sub(-100, 1) .. ("hello"):sub(4, 2), "ellh")
is("byte", table.concat({ ("az"):byte(1, -1) }, ","), "97,122")
is("rep", ("ab"):rep(3, "-"), "ab-ab-ab")
is("reverse, upper, lower", ("aBc"):reverse():upper() .. ("ÄX"):lower(), "CBA\xC3\x84x")
is("order", "a" < "b" and "Z" < "a" and "" < "a" and "a\0a" < "a\0b", true)

is("find", select("#", ("key = value"):find("(%w+)%s*=%s*(%w+)")), 4)
is("plain", ("a.b"):find(".", 2, true), 2)
is("anchors", ("  trim  "):match("^%s*(.-)%s*$"), "trim")
is("position", ("hello"):match("l()"), 4)
is("balance", ("f(a(b)c)d"):match("%b()"), "(a(b)c)")
is("frontier", ("THE (quick) fox"):find("%f[%a]%a+%f[%A]"), 1)
is("class", ("2026-01-31"):gsub("%d", { ["0"] = "o", ["1"] = "i" }), "2o26-oi-3i")
is("count", select(2, ("banana"):gsub("a", "%0%0", 2)), 2)
is("function", ("$name is $age"):gsub("%$(%w+)", function(w) return ({ name = "Ann", age = 7 })[w] end), "Ann is 7")
is("back reference", ([["it's"]]):match([[(["'])(.-)%1]]), '"')
is("lazy", ("<a><b>"):match("<(.-)>"), "a")
is("empty matches", (("abc"):gsub("%w*", "x")), "x")
local found = {}
for key, value in ("a=1, b=2, c=3"):gmatch("(%w+)=(%w+)") do found[#found + 1] = key .. value end
is("gmatch", table.concat(found, " "), "a1 b2 c3")
raises("malformed", "malformed pattern", string.find, "x", "[a")
raises("too complex", "pattern too complex", string.match, ("x"):rep(300000), (".-"):rep(300000) .. "y")

is("format", ("%5d|%-5d|%05.1f|%+d|%x|%X|%o|%c|%5s|%-5s|%.2s|%%"):format(42, 42, 3.14159, 7, 255, 255, 8, 65, "ab", "ab", "abc"),
   "   42|42   |003.1|+7|ff|FF|10|A|   ab|ab   |ab|%")
is("floats", ("%g %e %.3g %a"):format(1e20, 12345.678, 0.00012345, 1.0), "1e+20 1.234568e+04 0.000123 0x1p+0")
is("q", ("%q"):format("a\n\"\0\r"), '"a\\\n\\"\\0\\13"')
is("q of numbers", ("%q %q"):format(math.mininteger, 1 / 3), "0x8000000000000000 0x1.5555555555555p-2")
is("s of tables", ("%s"):format(setmetatable({}, { __tostring = function() return "me" end })), "me")
raises("bad format", "invalid conversion", string.format, "%y", 1)
raises("no integer", "no integer representation", string.format, "%d", 1.5)

is("pack", string.pack("<i4 >i2 z s1 <d", -2, 258, "zero", "counted", 0.5),
   "\xFE\xFF\xFF\xFF\1\2zero\0\7counted" .. string.pack("<d", 0.5))
is("unpack", select(2, string.unpack("<I2 !4 i4", "\1\0\0\0\xFF\xFF\xFF\xFF")), -1)
is("packsize", string.packsize("!8 i1 i8"), 16)
raises("overflow", "overflow", string.pack, "i1", 200)

is("utf8 length", utf8.len("a\u{E4}\u{20AC}\u{1F600}"), 4)
is("utf8 bad", select(2, utf8.len("a\xFF")), 2)
is("utf8 codes", table.concat((function() local r = {} for _, c in utf8.codes("h\u{E9}") do r[#r + 1] = c end return r end)(), ","), "104,233")
is("utf8 offset", utf8.offset("a\u{20AC}b", 3), 5)
is("utf8 char", utf8.char(72, 228, 8364), "H\u{E4}\u{20AC}")

-- A rope of a megabyte, and its words.
local parts = {}
for i = 1, 50000 do parts[i] = ("word%05d "):format(i) end
local text = table.concat(parts)
is("large", #text, 500000)
local n = 0
for _ in text:gmatch("%a+%d+") do n = n + 1 end
is("words", n, 50000)
is("replace all", select(2, text:gsub("word", "w")), 50000)

check.done("strings")
