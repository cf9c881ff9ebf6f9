-- SPDX-License-Identifier: MIT
-- The language: values, control flow, closures, metatables, coroutines, goto, to-be-closed variables, errors.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local check = require "check"
local is, raises = check.is, check.raises

-- Numbers: integers and floats are two kinds.
is("wrap", math.maxinteger + 1, math.mininteger)
is("float division", 7 / 2, 3.5)
is("floor division", -7 // 2, -4)
is("floor of floats", -7 // 2.0, -4.0)
is("modulo", -7 % 3, 2)
is("modulo of floats", 5.5 % -2, -0.5)
is("power", 2 ^ 10, 1024.0)
is("bits", (0xF0 | 0x0F) & ~0x11 ~ 0x100, 0x1EE)
is("shift", 1 << 63 >> 63, 1)
is("far shift", 1 << 64, 0)
is("coercion", "10" + 5, 15)
is("coercion to float", "0x1p4" * 1, 16.0)
is("exact comparison", 2 ^ 53 == 2 ^ 53 + 1, true)
is("integer and float", math.maxinteger + 0.0 == math.maxinteger, false)
is("not a number", 0 / 0, 0 / 0)
is("infinity", 1 / 0, math.huge)
is("negative zero", tostring(-0.0), "-0.0")
is("shortest", tostring(0.1), "0.1")
is("large", tostring(1e100), "1e+100")
is("tointeger", math.tointeger(3.0), 3)
is("tointeger of a fraction", math.tointeger(3.5), nil)
is("parsing", tonumber("  0x7fffffffffffffff  "), math.maxinteger)
is("base", tonumber("zz", 36), 1295)
is("no number", tonumber("1e"), nil)
raises("division by zero", "divide by zero", function() return 1 // 0 end)
raises("bits of a fraction", "no integer representation", function() return 1.5 | 1 end)
raises("arithmetic on nil", "local 'x'", function() local x; return x + 1 end)

-- Control flow.
local sum = 0
for i = 10, 1, -3 do sum = sum + i end
is("for", sum, 22)
for i = 1, 0 do sum = nil end
for i = math.maxinteger - 1, math.maxinteger do sum = sum + 1 end
is("for at the edge", sum, 24)
local n = 0
repeat local last = n > 3; n = n + 1 until last
is("repeat sees its locals", n, 5)
for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto continue end
    n = n + 1
  end
  ::continue::
end
is("goto", n, 8)
is("and or", nil and 1 or false or "x", "x")
is("not", not 0, false)

-- Functions: varargs, multiple results, closures, tail calls.
local function pass(...) return select("#", ...), ... end
is("varargs keep nil", (pass(nil, nil)), 2)
is("last argument expands", select(5, 1, 2, pass("a", "b")), "b")
is("parentheses cut", select("#", (pass(1, 2))), 1)
local function counter()
  local value = 0
  return function() value = value + 1; return value end, function() return value end
end
local up, get = counter()
up(); up()
is("shared upvalue", get(), 2)
local fresh = {}
for i = 1, 3 do fresh[i] = function() i = i + 10; return i end end
is("one variable a round", fresh[1]() + fresh[2](), 23)
local function loop(times) if times == 0 then return "end" end return loop(times - 1) end
is("tail calls", loop(1000000), "end")
local function deep(level) return 1 + deep(level + 1) end
raises("stack overflow", "stack overflow", deep, 1)

-- Tables.
local t = { 1, 2, nil, 4, x = "y", [2.0] = "not two", [10] = 10 }
is("float key is an integer key", t[2], 2)
is("border", #{ 1, 2, 3 }, 3)
is("next", next({}), nil)
table.insert(t, 1, 0)
is("insert", t[2], 1)
is("concat", table.concat({ 1, 2.5, "x" }, "-"), "1-2.5-x")
is("unpack", select("#", table.unpack({}, 1, 200)), 200)
is("move", table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), ","), "1,1,2,3")
local words = {}
for i = 1, 1000 do words[i] = (i * 7919) % 1009 end
table.sort(words, function(a, b) return a > b end)
local sorted = true
for i = 2, #words do sorted = sorted and words[i - 1] > words[i] end
is("sort", sorted, true)
raises("nil key", "index is nil", function() local x = {}; x[nil] = 1 end)
raises("broken order", "invalid order function", table.sort, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, function() return true end)
for key in pairs(t) do t[key] = nil end
is("cleared while traversed", next(t), nil)

-- Metatables.
local V = {}
V.__index = V
V.__add = function(a, b) return setmetatable({ x = a.x + b.x }, V) end
V.__eq = function(a, b) return a.x == b.x end
V.__lt = function(a, b) return a.x < b.x end
V.__le = function(a, b) return a.x <= b.x end
V.__call = function(self, y) return self.x * y end
V.__len = function(self) return self.x end
V.__concat = function(a, b) return "v" .. (type(a) == "table" and a.x or a) .. (type(b) == "table" and b.x or b) end
V.__tostring = function(self) return "V(" .. self.x .. ")" end
V.__unm = function(self) return V.new(-self.x) end
V.__name = "vector"
function V.new(x) return setmetatable({ x = x }, V) end
function V:twice() return self + self end
local a, b = V.new(3), V.new(4)
is("__add and a method", (a + b):twice().x, 14)
is("__eq", V.new(7) == a + b, true)
is("__lt and __le", a < b and a <= b and not (a > b), true)
is("__call, __len, __unm", a(5) + #b + (-a).x, 16)
is("__concat", "s" .. a .. "e", "sv3e")
is("__tostring", tostring(a), "V(3)")
local log = {}
local proxy = setmetatable({}, { __newindex = function(_, key, value) log[#log + 1] = key; rawset(log, key, value) end,
                                 __index = function(_, key) return key .. "!" end })
proxy.field = 1
is("__newindex", log[1] .. log.field, "field1")
is("__index function", proxy.other, "other!")
is("rawget", rawget(proxy, "other"), nil)
local protected = setmetatable({}, { __metatable = "locked" })
is("__metatable", getmetatable(protected), "locked")
raises("setmetatable", "protected", setmetatable, protected, {})
local gone = false
do local x <close> = setmetatable({}, { __close = function() gone = true end }) end
is("<close>", gone, true)
is("<const>", load("local x <const> = 1; x = 2"), nil)
local order = {}
pcall(function()
  local one <close> = setmetatable({}, { __close = function(_, e) order[#order + 1] = "1" .. tostring(e) end })
  local two <close> = setmetatable({}, { __close = function(_, e) order[#order + 1] = "2" .. tostring(e) end })
  error("x", 0)
end)
is("closed in reverse on errors", table.concat(order, " "), "2x 1x")

-- Coroutines.
local function numbers(limit)
  return coroutine.wrap(function() for i = 1, limit do coroutine.yield(i) end end)
end
local total = 0
for i in numbers(1000) do total = total + i end
is("generator", total, 500500)
local co = coroutine.create(function(x) local y = coroutine.yield(x * 2); error({ y }) end)
is("resume", select(2, coroutine.resume(co, 21)), 42)
is("suspended", coroutine.status(co), "suspended")
local ok, problem = coroutine.resume(co, "thrown")
is("error object", not ok and problem[1], "thrown")
is("dead", coroutine.status(co), "dead")
is("resume a dead one", select(2, coroutine.resume(co)), "cannot resume dead coroutine")
is("yield across pcall", coroutine.wrap(function() return pcall(function() return coroutine.yield("y") end) end)(), "y")
is("main is not yieldable", coroutine.isyieldable(), false)
local closing = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() gone = 1 end }); coroutine.yield() end)
coroutine.resume(closing)
coroutine.close(closing)
is("close", gone, 1)
local ring = {}
for i = 1, 2000 do ring[i] = coroutine.create(function() while true do coroutine.yield(i) end end) end
total = 0
for _ = 1, 3 do for i = 1, #ring do total = total + select(2, coroutine.resume(ring[i])) end end
is("thousands", total, 3 * 2001000)

-- Errors, load, environments.
is("error value", select(2, pcall(error, nil)), nil)
is("position", select(2, pcall(function() error("here") end)):match(":%d+: here$") ~= nil, true)
is("xpcall", select(2, xpcall(function() error("e", 0) end, function(m) return m .. " handled" end)), "e handled")
is("traceback", debug.traceback("t"):match("^t\nstack traceback:\n\t") ~= nil, true)
is("load", load("local a = ... return a + 1")(41), 42)
is("syntax", select(2, load("x = = 1", "=chunk")), "chunk:1: unexpected symbol near '='")
is("environment", load("return x", "c", "t", { x = "own" })(), "own")
local env = setmetatable({}, { __index = _G })
load("g = tostring(1)", "c", "t", env)()
is("globals stay apart", env.g .. tostring(rawget(_G, "g")), "1nil")
is("dump", load(string.dump(function(x) return x .. "!" end), "b", "b")("hey"), "hey!")
is("getinfo", debug.getinfo(1, "S").what, "main")

check.done("language")
