-- SPDX-License-Identifier: MIT
-- run.lua FILE NAME: runs what is in FILE as a chunk of that name (ci/tests/test_lua_suite.py).
local file = assert(io.open(arg[1], "rb"))
local text = file:read("a")
file:close()
assert(load(text, arg[2], "t"))()
