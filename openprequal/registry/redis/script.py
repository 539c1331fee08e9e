"""What does Redis itself do for the registry, in one step that nobody else gets between?

One script, called with the name of what is asked, and where the caller has got to (epoch and version). Its keys:

``state``     hash: ``epoch`` and ``version``, how many ``backends`` and ``leases`` there should be, ``floor`` (what
              changed up to this version cannot be told any more), ``at`` (when a gateway last asked), ``former_epoch``
              and ``former_version`` (whose view was written back)
``backends``  hash: id to document (:mod:`openprequal.registry.redis.document`)
``leases``    sorted set: id by when its lease ends, in milliseconds of Redis' own clock
``changes``   sorted set: id by the version that it last changed with, whether it exists or is gone
``gone``      sorted set: those of ``changes`` that are gone, the last thousand of them
``restored``  set: those that were written back, and have not registered since
"""

import hashlib
from typing import Final

KEYS: Final = ("state", "backends", "leases", "changes", "gone", "restored")

PAGE: Final = 20
"""Changes told at once: a gateway takes in so many within a few milliseconds."""

SCRIPT: Final = rb"""
local state, backends, leases, changes, gone, restored = unpack(KEYS)
local asked, seen_epoch, seen_version = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local UNHEARD_MS, KEPT_GONE = 5000, 1000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local told = redis.call('HMGET', state,
    'epoch', 'version', 'backends', 'leases', 'floor', 'at', 'former_epoch', 'former_version')
for index = 1, 8 do told[index] = tonumber(told[index] or 0) or 0 end
local epoch, version, count, leased, floor, at, former_epoch, former_version = unpack(told)

local function text(number) return string.format('%.0f', number) end
local function later(an_epoch, a_version, than_epoch, than_version)
    return an_epoch > than_epoch or (an_epoch == than_epoch and a_version > than_version)
end

local function lease(id, document)
    local length = tonumber(string.match(document, '^(%d+) ')) or 0
    if length > 0 then
        redis.call('ZADD', leases, text(now + length), id)
    else
        redis.call('ZREM', leases, id)
    end
end

local function lease_all()
    local all = redis.call('HGETALL', backends)
    for index = 1, #all, 2 do lease(all[index], all[index + 1]) end
end

local function note(id)
    version = version + 1
    redis.call('ZADD', changes, text(version), id)
end

local function put(id, document)
    lease(id, document)
    if redis.call('HGET', backends, id) == document then return end
    redis.call('HSET', backends, id, document)
    redis.call('ZREM', gone, id)
    note(id)
end

local function remove(id)
    redis.call('HDEL', backends, id)
    redis.call('ZREM', leases, id)
    redis.call('SREM', restored, id)
    note(id)
    redis.call('ZADD', gone, text(version), id)
    if redis.call('ZCARD', gone) > KEPT_GONE then
        local oldest = redis.call('ZPOPMIN', gone)
        redis.call('ZREM', changes, oldest[1])
        floor = tonumber(oldest[2])
    end
end

-- Is this what was last written here? If not, a new epoch begins, with what is left, until somebody writes back more.
local set_back = epoch > 0 and later(seen_epoch, seen_version, epoch, version)
if epoch == 0 or set_back
    or redis.call('HLEN', backends) ~= count or redis.call('ZCARD', leases) ~= leased then
    former_epoch, former_version = epoch, set_back and version or 0
    epoch, version, floor = math.max(now, epoch + 1, seen_epoch + 1), 0, 0
    redis.call('DEL', leases, changes, gone, restored)
    for _, id in ipairs(redis.call('HKEYS', backends)) do
        note(id)
        redis.call('SADD', restored, id)
    end
    lease_all()
elseif now - at > UNHEARD_MS then
    -- Nobody could have passed on a heartbeat meanwhile.
    lease_all()
end

local answer
if asked == 'register' then
    local id, document, most = ARGV[4], ARGV[5], tonumber(ARGV[6])
    if redis.call('HEXISTS', backends, id) == 0 and redis.call('HLEN', backends) >= most then
        answer = 'full'
    else
        put(id, document)
        redis.call('SREM', restored, id)
        answer = 'taken'
    end
    answer = {answer, text(epoch), text(version)}
elseif asked == 'unregister' then
    local id, known = ARGV[4], ARGV[5] == '1'
    local existed = redis.call('HEXISTS', backends, id)
    -- The caller knows it: somebody may be about to write it back.
    if existed == 1 or known then remove(id) end
    answer = {existed == 1 and 'gone' or 'unknown', text(epoch), text(version)}
elseif asked == 'restore' then
    answer = 'older'
    if later(seen_epoch, seen_version, former_epoch, former_version) then
        local named = {}
        for index = 4, #ARGV, 2 do
            local id, document = ARGV[index], ARGV[index + 1]
            named[id] = true
            if redis.call('HEXISTS', backends, id) == 0 and not redis.call('ZSCORE', gone, id) then
                put(id, document)
                redis.call('SADD', restored, id)
            end
        end
        for _, id in ipairs(redis.call('SMEMBERS', restored)) do
            if not named[id] then remove(id) end
        end
        former_epoch, former_version = seen_epoch, seen_version
        answer = 'restored'
    end
elseif asked == 'look' then
    local from, anew, most = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6])
    for index = 7, #ARGV do
        local document = redis.call('HGET', backends, ARGV[index])
        if document then
            lease(ARGV[index], document)
            redis.call('SREM', restored, ARGV[index])
        end
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', text(now))) do remove(id) end
    if seen_epoch ~= epoch or (from < floor and not anew) then from, anew = 0, true end
    local page = redis.call('ZRANGEBYSCORE', changes, '(' .. text(from), '+inf', 'WITHSCORES', 'LIMIT', 0, most)
    answer = {text(epoch), text(version), text(from), anew and 1 or 0}
    for index = 1, #page, 2 do
        answer[#answer + 1] = page[index]
        answer[#answer + 1] = redis.call('HGET', backends, page[index]) or ''
        answer[#answer + 1] = page[index + 1]
    end
end

redis.call('HSET', state, 'epoch', text(epoch), 'version', text(version), 'floor', text(floor), 'at', text(now),
    'backends', redis.call('HLEN', backends), 'leases', redis.call('ZCARD', leases),
    'former_epoch', text(former_epoch), 'former_version', text(former_version))
return answer
"""
"""Needs Redis 5 or later (``ZPOPMIN``, and effects replicated instead of scripts), or Valkey."""

SHA: Final = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest()
"""What Redis calls the script."""
