
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_script.h"


static const sendkit_span_t  sendkit_script_ok = SENDKIT_SPAN("OK");
static const sendkit_span_t  sendkit_script_changed = SENDKIT_SPAN("CHANGED");


/*
 * Redis takes nothing back when a script fails, so that all that could fail
 * comes before what could not be undone.  A key of another type stops it where
 * it is read.  Deleting the record of the new key, which is not there, shows
 * that deleting is allowed.  The old key lives until the new one is written.
 */

const sendkit_span_t  sendkit_script_workspace_key = SENDKIT_SPAN(
    "local old, new, workspace = ARGV[1], ARGV[2], ARGV[3]\n"

    "if (redis.call('HGET', KEYS[1], 'digest') or '') ~= old\n"
    "    or (new ~= '' and redis.call('EXISTS', KEYS[3]) == 1)\n"
    "then\n"
    "    return redis.status_reply('CHANGED')\n"
    "end\n"

    "local own = old ~= ''\n"
    "    and redis.call('HGET', KEYS[2], 'workspace') == workspace\n"

    "if new == '' then\n"
    "    redis.call('DEL', KEYS[1], own and KEYS[2] or KEYS[1])\n"
    "    return redis.status_reply('OK')\n"
    "end\n"

    "if old ~= '' then\n"
    "    redis.call('DEL', KEYS[3])\n"
    "end\n"

    "redis.call('HSET', KEYS[3], 'type', 'workspace',\n"
    "           'workspace', workspace, unpack(ARGV, 7))\n"

    "if old ~= '' then\n"
    "    redis.call('DEL', KEYS[1])\n"
    "end\n"

    "redis.call('HSET', KEYS[1], 'digest', new, 'created_at', ARGV[4],\n"
    "           'created_by', ARGV[5], 'masked', ARGV[6])\n"

    "if own then\n"
    "    redis.call('DEL', KEYS[2])\n"
    "end\n"

    "return redis.status_reply('OK')\n"
);


/*
 * What has no end would count for ever.  So the type comes last, without which
 * a record is malformed, and a role is empty until the hash has its end.
 */

const sendkit_span_t  sendkit_script_add_record = SENDKIT_SPAN(
    "for _, value in ipairs(redis.call('HMGET', KEYS[1], 'type', 'user',\n"
    "                                  'workspace', 'expires', 'status'))\n"
    "do\n"
    "    if value then\n"
    "        return redis.status_reply('CHANGED')\n"
    "    end\n"
    "end\n"

    "redis.call('HSET', KEYS[1], unpack(ARGV, 4))\n"

    "if ARGV[1] ~= '0' then\n"
    "    redis.call('PEXPIRE', KEYS[1], ARGV[1])\n"
    "end\n"

    "redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])\n"

    "return redis.status_reply('OK')\n"
);


const sendkit_span_t  sendkit_script_add_role = SENDKIT_SPAN(
    "if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then\n"
    "    return redis.status_reply('CHANGED')\n"
    "end\n"

    "local ttl = redis.call('PTTL', KEYS[1])\n"

    "if ttl == -2 then\n"
    "    redis.call('HSET', KEYS[1], ARGV[2], '')\n"
    "    redis.call('PEXPIRE', KEYS[1], ARGV[1])\n"
    "    ttl = 0\n"
    "end\n"

    "if ttl >= 0 and ttl <= tonumber(ARGV[1]) then\n"
    "    redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])\n"
    "end\n"

    "return redis.status_reply('OK')\n"
);


sendkit_script_e
sendkit_script_answer(sendkit_span_t status)
{
    if (sendkit_span_equal(status, sendkit_script_ok)) {
        return SENDKIT_SCRIPT_OK;
    }

    if (sendkit_span_equal(status, sendkit_script_changed)) {
        return SENDKIT_SCRIPT_CHANGED;
    }

    return SENDKIT_SCRIPT_UNKNOWN;
}
