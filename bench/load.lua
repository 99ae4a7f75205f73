-- Copyright (C) the ngx_sendkit_auth_module authors
--
-- What wrk sends: the same request with one key after the other.
--
--   wrk ... -s bench/load.lua URL PATH KEY-FORMAT NUMBER-OF-KEYS [once]
--
-- With "once" it stops when each key was sent once.  The last line of output
-- is for Bench::Load.

local ffi = require "ffi"

ffi.cdef "int getpid(void); int kill(int pid, int signal);"

local body = '{"name":"production"}'
local format, count
local n, answers = 0, 0


-- Whether there is a response() is looked at after init(); without one wrk does
-- not read the answers, which costs it time.

function init(args)
    local path, key = args[1], args[2]

    count = tonumber(args[3])
    format = "POST " .. path .. " HTTP/1.1\r\n"
             .. "Host: bench\r\n"
             .. "User-Agent: bench\r\n"
             .. "Accept: application/json\r\n"
             .. "Content-Type: application/json\r\n"
             .. "X-Api-Key: " .. key .. "\r\n"
             .. "Content-Length: " .. #body .. "\r\n\r\n" .. body

    if args[4] == "once" then
        response = stop_at_end
    end
end


-- Those on other connections may still be under way, so a few more are sent.
-- The main thread of wrk sleeps for the whole time unless a signal wakes it.

function stop_at_end()
    answers = answers + 1

    if answers == count + 100 then
        wrk.thread:stop()
        ffi.C.kill(ffi.C.getpid(), 2)
    end
end


function request()
    n = n + 1
    return string.format(format, n % count)
end


function done(summary, latency, requests)
    local errors = summary.errors

    io.write(string.format(
        "result requests=%d microseconds=%d p50=%d p99=%d refused=%d "
        .. "failed=%d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
