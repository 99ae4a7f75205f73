-- Copyright (C) the ngx_sendkit_auth_module authors
--
-- What the module does, in Lua, for one kind of route: a platform key and the
-- role of its user in the workspace of the path.  It reads what the module
-- reads.
--
--   status, user, role, key id = gate.ask(key, workspace)
--   gate.access(ask)     decides about the request, sets $id, $user and $role

local redis = require "nginx.redis"
local ffi = require "ffi"

local ngx, null = ngx, ngx.null
local byte, sub, find = string.byte, string.sub, string.find

ffi.cdef [[
    unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);
]]

local gate = {}

local binary = ffi.new("unsigned char[32]")
local hex = ffi.new("unsigned char[64]")
local digits = ffi.new("unsigned char[16]", { byte("0123456789abcdef", 1, 16) })


local function digest(key)
    ffi.C.SHA256(key, #key, binary)

    for i = 0, 31 do
        hex[2 * i] = digits[bit.rshift(binary[i], 4)]
        hex[2 * i + 1] = digits[bit.band(binary[i], 15)]
    end

    return ffi.string(hex, 64)
end


-- The two reads, over a connection of the pool.

local function read(name, workspace)
    local red = redis:new()
    red:set_timeout(5000)

    if not red:connect(gate.host, gate.port) then
        return 503
    end

    local record = red:hmget("sendkit:key:" .. name, "type", "user", "expires",
                             "status")
    if not record then
        return 503
    end

    local user, role = record[2], nil

    if record[1] == "platform" and user ~= null
       and (record[3] == null or tonumber(record[3]) > ngx.time())
       and (record[4] == null or record[4] == "active")
    then
        role = red:hget("sendkit:roles:" .. workspace, user)
        if not role then
            return 503
        end

    else
        user = nil
    end

    red:set_keepalive(60000, 128)

    if not user then
        return 401
    end

    return 200, user, role ~= null and role or nil
end


local function is_well_formed(key)
    return key and #key >= 24 and #key <= 136
           and find(key, "^sk_user_[A-Za-z0-9_-]+$")
end


local function verdict(status, user, role, id)
    if status == 200 and role ~= "owner" and role ~= "admin" then
        return 403
    end

    return status, user, role, id
end


function gate.ask(key, workspace)
    if not is_well_formed(key) then
        return 401
    end

    local name = digest(key)
    local status, user, role = read(name, workspace)

    return verdict(status, user, role, sub(name, 1, 12))
end


-- One entry for a key in a workspace, found without the digest.

function gate.ask_cached(key, workspace)
    if not is_well_formed(key) then
        return 401
    end

    local dict = ngx.shared.keys
    local name = key .. " " .. workspace
    local found = dict:get(name)

    if found then
        local a = find(found, " ", 1, true)
        local b = find(found, " ", a + 1, true)
        return 200, sub(found, b + 1), sub(found, a + 1, b - 1),
               sub(found, 1, a - 1)
    end

    local status, user, role, id = gate.ask(key, workspace)

    if status == 200 then
        dict:set(name, id .. " " .. role .. " " .. user, 60)
    end

    return status, user, role, id
end


function gate.access(ask)
    local var = ngx.var
    local status, user, role, id = ask(var.http_x_api_key, var.workspace)

    if status ~= 200 then
        return ngx.exit(status)
    end

    var.id, var.user, var.role = id, user, role
end


return gate
